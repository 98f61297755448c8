/* SPDX-License-Identifier: MIT */
import Link from "next/link";
import { useRouter } from "next/router";
import { useContext, useEffect, useRef, useState } from "react";
import { SignedOut } from "../lib/auth";
import { tasksOf } from "../lib/tasks";
import { Say } from "./Page";

const VIEWS = [
	{ show: "all", label: "All", has: () => true },
	{ show: "open", label: "Open", has: (task) => !task.completed },
	{ show: "done", label: "Done", has: (task) => task.completed },
];

function Views({ current }) {
	const { pathname, query } = useRouter();
	return (
		<nav aria-label="Which tasks" className="views">
			{VIEWS.map(({ show, label }) => (
				<Link key={show} shallow href={{ pathname, query: { ...query, show } }}
					aria-current={show === current ? "page" : undefined}>{label}</Link>
			))}
		</nav>
	);
}

function Task({ task, toggle, remove }) {
	const id = "task-" + task.id;
	return (
		<li className={task.completed ? "done" : undefined}>
			<input type="checkbox" id={id} checked={task.completed} onChange={toggle} />
			<label htmlFor={id}>{task.title}</label>
			<button type="button" onClick={remove} aria-label={"Delete " + task.title}>Delete</button>
		</li>
	);
}

/* The tasks of `owner`. ended(): called when the session turns out to be over.
 * Give it a key of both users, so that no list outlives a change of either. */
export default function TaskList({ owner, user, ended }) {
	const [api] = useState(() => tasksOf(owner, user));
	const [tasks, setTasks] = useState(null);
	const [problem, setProblem] = useState("");
	const heading = useRef(null);
	const say = useContext(Say);
	const { query } = useRouter();
	const view = VIEWS.find(({ show }) => show === query.show) ?? VIEWS[0];

	/* Runs an action and lists anew; returns whether it went well. */
	async function act(action, done) {
		setProblem("");
		try {
			await action();
			setTasks(await api.list());
			say(done);
			return true;
		} catch (failure) {
			if (failure instanceof SignedOut)
				ended();
			else
				setProblem(failure.message);
			return false;
		}
	}

	useEffect(() => {
		act(async () => {}, "");
	}, []);

	async function add(event) {
		event.preventDefault();
		const form = event.target;
		const { title } = Object.fromEntries(new FormData(form));
		if (await act(() => api.add(title), "Added " + title))
			form.reset();
	}

	async function remove(task) {
		/* The button that had the focus goes with its task. */
		if (await act(() => api.remove(task.id), "Deleted " + task.title))
			heading.current?.focus();
	}

	if (!tasks)
		return problem ? <p role="alert">{problem}</p> : <p role="status">Loading …</p>;
	const shown = tasks.filter(view.has);
	return (
		<>
			<form onSubmit={add} className="add">
				<label htmlFor="title">New task</label>
				<input id="title" name="title" maxLength={200} autoComplete="off" required />
				<button>Add</button>
			</form>
			<p role="alert">{problem}</p>
			<Views current={view.show} />
			<h2 id="list" ref={heading} tabIndex={-1}>{view.label} ({shown.length})</h2>
			{shown.length === 0 && <p>Nothing here.</p>}
			<ul aria-labelledby="list" className="tasks">
				{shown.map((task) => (
					<Task key={task.id} task={task} remove={() => remove(task)}
						toggle={() => act(() => api.toggle(task.id), "")} />
				))}
			</ul>
		</>
	);
}
