/* SPDX-License-Identifier: MIT */
import Guarded from "../components/Guarded";
import Page from "../components/Page";
import TaskList from "../components/TaskList";

export default function OwnTasks() {
	return (
		<Page title="Your tasks">
			<Guarded>
				{(user, refetch) => (
					<TaskList key={user.id} owner={user.id} user={user} ended={refetch} />
				)}
			</Guarded>
		</Page>
	);
}
