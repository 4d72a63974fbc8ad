// The table: a system a line, sorted by any column, with a box to set it beside others.

import { useEffect, useMemo, useState } from "preact/hooks";

import { FIGURES, shown, warnings } from "./figures.js";
import { classOf, fronts } from "./model.js";

const FIRST = 100;
/** Lines that are drawn before a reader asks for all. */

export function Badges({ point }) {
  return warnings(point).map(([kind, words]) => (
    <span key={words}> <span class={`badge ${kind}`}>{words}</span></span>
  ));
}

function Head({ name, label, figure, view, change }) {
  const [by, direction] = view.sort;
  const next = by === name && direction === "ascending" ? "descending" : "ascending";
  const first = FIGURES[name]?.higher && by !== name ? "descending" : next;
  return (
    <th scope="col" class={figure && "figure"} aria-sort={by === name ? direction : undefined}>
      <button type="button" onClick={() => change({ sort: [name, first] })}>{label}</button>
    </th>
  );
}

function Evidence({ figures, row }) {
  if (!figures.evidence) return row.details ?? "-";
  return figures.evidence.map(({ text, href }, index) => (
    <span key={href}>{index ? ", " : ""}<a href={href}>{text}</a></span>
  ));
}

function Quality({ point, task }) {
  const told = QUALITY.filter((name) => point.figures[name] !== undefined);
  if (!told.length) return "-";
  return (
    <>
      {told.map((name) => <div key={name}>{FIGURES[name].label} {shown(point, name)}</div>)}
      {point.meets !== undefined && Object.keys(task.targets).length > 0 && (
        <div class={point.meets ? "good" : "bad"}>{point.meets ? "meets target" : "below target"}</div>
      )}
      {point.figures.scope && <div class="scope soft small">{point.figures.scope}</div>}
    </>
  );
}

function System({ point, view, task, columns, front, choose }) {
  const { row, figures, id } = point;
  const chosen = view.chosen.includes(id);
  const small = [row.submitter, row.processor, row.accelerator && `with ${row.accelerator}`];
  return (
    <tr id={`system-${id}`} class={chosen ? "chosen" : undefined}>
      <th scope="row">
        <label>
          <input type="checkbox" checked={chosen} onChange={() => choose(id)} />
          <span>
            {point.name}<Badges point={point} />
            <span class="soft small" style="display: block">{small.filter(Boolean).join(" · ")}</span>
          </span>
        </label>
      </th>
      {columns.map(([name]) => <td key={name} class="figure">{shown(point, name)}</td>)}
      <td class="whole"><Quality point={point} task={task} /></td>
      <td class="whole">
        {front.length ? front.map((words) => <div key={words}>{words}</div>) : "-"}
        {front.length > 0 && <div class="scope soft small">of {classOf(point)}</div>}
      </td>
      <td class="text">{row.software ?? "-"}</td>
      <td class="text">{[row.division, row.category].filter(Boolean).join(", ") || "-"}
        {figures.model && <div class="soft small">model: {figures.model}</div>}</td>
      <td class="text">{row.source ?? "-"}</td>
      <td class="text"><Evidence figures={figures} row={row} /></td>
    </tr>
  );
}

const QUALITY = ["top1", "auc", "false_positives", "false_negatives", "duty_cycle"];
const COLUMNS = [
  ["latency_p90_s", "Latency p90"], ["latency_s", "1/throughput"], ["energy_j", "Energy"],
  ["ram_bytes", "RAM"], ["flash_bytes", "Flash"],
];

/** By point, on the fronts of which figures it is. */
function onFronts(points, view) {
  const named = [[view.latency, "latency"], ["energy_j", "energy"], [view.memory, "memory"]];
  const found = new Map();
  const sets = [[0, 1], [0, 2], [1, 2], [0, 1, 2]].map((some) => some.map((index) => named[index]));
  for (const set of sets)
    for (const { front } of fronts(points, set.map(([name]) => name)).values())
      for (const point of front) {
        const words = set.length === 3 ? "all three" : set.map(([, word]) => word).join(" × ");
        found.set(point.id, [...(found.get(point.id) ?? []), words]);
      }
  return found;
}

export function Systems(parts) {
  const { ordered, inView, view, points } = parts;
  const [all, setAll] = useState(false);
  useEffect(() => setAll(false), [points]);
  const front = useMemo(() => onFronts(inView, view), [inView, view.latency, view.memory]);
  const drawn = all ? ordered : ordered.slice(0, FIRST);
  const columns = COLUMNS.filter(([name]) => points.some(({ figures }) => figures[name] !== undefined));
  const quality = ordered.some((point) => point.figures.top1 !== undefined) ? "top1" : "auc";
  return (
    <section>
      <div class="head">
        <h2 id="systems">Systems</h2>
        <p class="soft small">Press a heading to sort. Tick systems to see them side by side.</p>
      </div>
      {ordered.length ? (
        <div class="wide tall" tabindex="0" role="region" aria-labelledby="systems">
          <table class="systems">
            <thead><tr>
              <Head name="name" label="System" {...parts} />
              {columns.map(([name, label]) =>
                <Head key={name} name={name} label={label} figure {...parts} />)}
              <Head name={quality} label="Quality" {...parts} />
              <th scope="col">On the front</th>
              <Head name="software" label="Framework" {...parts} />
              <th scope="col">Division</th>
              <Head name="source" label="Source" {...parts} />
              <th scope="col">Evidence</th>
            </tr></thead>
            <tbody>
              {drawn.map((point) => (
                <System key={point.id} point={point} columns={columns} {...parts}
                  front={front.get(point.id) ?? []} />
              ))}
            </tbody>
          </table>
        </div>
      ) : <p class="empty">No system passes these filters.</p>}
      {drawn.length < ordered.length && (
        <p class="more">
          The first {drawn.length} of {ordered.length} are shown.
          <button type="button" onClick={() => setAll(true)}>Show all {ordered.length}</button>
        </p>
      )}
    </section>
  );
}
