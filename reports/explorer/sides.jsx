// The systems that a reader has ticked, side by side, over all tasks.

import { FIGURES, shown } from "./figures.js";
import { classOf, offFront, pointsOf } from "./model.js";
import { Badges } from "./systems.jsx";

const FACTS = [
  ["submitter", "Submitter"], ["processor", "Processor"], ["accelerator", "Accelerator"],
  ["software", "Framework"], ["division", "Division"], ["category", "Category"], ["data", "Data"],
  ["record", "Record"], ["source", "Source"],
];

/** How many times the first system's figure another one is. */
function factor(value, base) {
  if (value === undefined || !(base > 0) || value === base) return "";
  return `${Number((value / base).toPrecision(3))}×`;
}

/** The best value, where all are of one kind and differ; what can be on no front is not it. */
function bestOf(points, name) {
  const present = points.filter((point) => point?.figures[name] !== undefined);
  const values = present.filter((point) => !offFront(point)).map((point) => point.figures[name]);
  const alike = new Set(present.map(classOf)).size === 1;
  if (!alike || new Set(present.map((point) => point.figures[name])).size < 2) return undefined;
  return values.length ? Math[FIGURES[name].higher ? "max" : "min"](...values) : undefined;
}

function Cell({ point, name, first, best }) {
  const value = point?.figures[name];
  const isBest = best !== undefined && value === best && !offFront(point);
  return (
    <td class={isBest ? "figure best" : "figure"}>
      {point ? shown(point, name) : "-"}
      {best !== undefined && !FIGURES[name].higher && (
        <div class="soft small">{factor(value, first?.figures[name])}</div>
      )}
      {isBest && <div class="good small">best</div>}
    </td>
  );
}

function FigureRow({ name, points }) {
  if (points.every((point) => point?.figures[name] === undefined)) return null;
  const best = bestOf(points, name);
  return (
    <tr>
      <th scope="row">{FIGURES[name].label}</th>
      {points.map((point, index) =>
        <Cell key={index} point={point} name={name} first={points[0]} best={best} />)}
    </tr>
  );
}

export function Sides({ data, view, change }) {
  const rows = view.chosen.map((id) => data.rows[id]);
  const ofTask = data.tasks.map((task) => {
    const points = new Map(pointsOf(data, task).map((point) => [point.id, point]));
    return [task, view.chosen.map((id) => points.get(id))];
  });
  const alike = new Set(rows.map((row) => classOf({ row }))).size < 2;
  return (
    <section>
      <div class="head">
        <h2 id="sides">Side by side</h2>
        {rows.length > 0 && (
          <button type="button" onClick={() => change({ chosen: [] })}>Untick all</button>)}
      </div>
      {rows.length === 0 && <p class="empty">Tick systems in the table, or press their points in the
        picture: all their figures on all tasks then stand here beside each other.</p>}
      {rows.length > 1 && alike && <p class="soft small">n×: of the first system's figure. Best is the
        lowest, or the highest quality, of what has a place on a front.</p>}
      {!alike && <p class="warn">These are not all of one kind ({[...new Set(rows.map((row) =>
        classOf({ row })))].join("; ")}), so none is called the best.</p>}
      {rows.length > 0 && (
        <div class="wide" tabindex="0" role="region" aria-labelledby="sides">
          <table class="sides">
            <thead><tr>
              <td />
              {view.chosen.map((id, index) => {
                const point = ofTask.map(([, points]) => points[index]).find(Boolean) ?? { row: rows[index] };
                return <th key={id} scope="col">{point.name}<Badges point={point} /></th>;
              })}
            </tr></thead>
            <tbody>
              {FACTS.filter(([key]) => rows.some((row) => row[key])).map(([key, title]) => (
                <tr key={key}>
                  <th scope="row">{title}</th>
                  {rows.map((row, index) => <td key={index} class="text">{row[key] ?? "-"}</td>)}
                </tr>
              ))}
            </tbody>
            {ofTask.filter(([, points]) => points.some(Boolean)).map(([task, points]) => (
              <tbody key={task.name}>
                <tr class="task"><th scope="rowgroup" colspan={rows.length + 1}>
                  {task.title ? `${task.title} (${task.name})` : task.name}
                </th></tr>
                {Object.keys(FIGURES).map((name) => <FigureRow key={name} name={name} points={points} />)}
              </tbody>
            ))}
          </table>
        </div>
      )}
    </section>
  );
}
