// The explorer: reads the rows in the page, and shows one task of them at a time.

import { render } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { Filters } from "./filters.jsx";
import { Matrix } from "./matrix.jsx";
import { narrowed, pointsOf, sorted } from "./model.js";
import { Picture } from "./picture.jsx";
import { Sides } from "./sides.jsx";
import { Systems } from "./systems.jsx";
import { firstView, fromFragment, toFragment } from "./view.js";

function Tasks({ data, view, change }) {
  return (
    <fieldset class="tasks">
      <legend>Task</legend>
      {data.tasks.filter(({ name }) => systems(data, name)).map(({ name, title }) => (
        <label key={name}>
          <input type="radio" name="task" checked={view.task === name}
            onChange={() => change({ task: name })} />
          {title || name}
          <small>{title && `${name}, `}{counted(data, name)}</small>
        </label>
      ))}
    </fieldset>
  );
}

const systems = (data, task) => data.rows.filter((row) => Object.hasOwn(row.tasks, task)).length;

function counted(data, task) {
  const count = systems(data, task);
  return count === 1 ? "1 system" : `${count} systems`;
}

function Explorer({ data }) {
  const first = useMemo(() => firstView(data), [data]);
  const [view, setView] = useState(() => fromFragment(location.hash.slice(1), first, data));
  const change = (some) => setView((now) => ({ ...now, ...some }));
  useEffect(() => {
    history.replaceState(null, "", `#${toFragment(view, first)}`);
  }, [view, first]);
  const task = data.tasks.find(({ name }) => name === view.task);
  const points = useMemo(() => pointsOf(data, task), [data, task]);
  const { text, facets, limits, meets, latency, memory, sort } = view;
  const inView = useMemo(
    () => narrowed(points, view), [points, text, facets, limits, meets, latency, memory]);
  const ordered = useMemo(() => sorted(inView, sort), [inView, sort]);
  const choose = (id) =>
    setView((now) => ({
      ...now,
      chosen: now.chosen.includes(id) ? now.chosen.filter((one) => one !== id) : [...now.chosen, id],
    }));
  const reset = () => change({ text: "", meets: false, facets: {}, limits: {} });
  const parts = { data, view, change, task, points, inView, choose };
  return (
    <main>
      <h1>Results: compare to choose</h1>
      <p class="soft">
        {data.rows.length} systems. Nothing here is an MLPerf result unless MLCommons has published
        it. Times of emulated boards are instruction counts.
      </p>
      <Tasks {...parts} />
      <div class="layout">
        <aside aria-label="filters"><Filters {...parts} reset={reset} /></aside>
        <div>
          <Picture {...parts} />
          <Systems {...parts} ordered={ordered} />
          <Sides {...parts} />
          <Matrix {...parts} />
          <section>
            <div class="head"><h2>To know</h2></div>
            <ul class="note small">{data.remarks.map((remark) => <li key={remark}>{remark}</li>)}</ul>
          </section>
        </div>
      </div>
    </main>
  );
}

const data = JSON.parse(document.getElementById("rows").textContent);
render(<Explorer data={data} />, document.getElementById("explorer"));
