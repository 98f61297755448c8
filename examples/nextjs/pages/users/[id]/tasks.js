/* SPDX-License-Identifier: MIT */
import { useRouter } from "next/router";
import Guarded from "../../../components/Guarded";
import Page from "../../../components/Page";
import TaskList from "../../../components/TaskList";

/* Anyone's tasks by address. Only their owner gets past the gate. */
export default function UserTasks() {
	const { query } = useRouter();
	return (
		<Page title="Tasks of one user">
			<Guarded>
				{(user, refetch) => (
					<TaskList key={`${query.id} ${user.id}`} owner={query.id} user={user} ended={refetch} />
				)}
			</Guarded>
		</Page>
	);
}
