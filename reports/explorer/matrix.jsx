// Boards against frameworks: the lowest figure of each pair.

import { useMemo } from "preact/hooks";

import { FIGURES, shown } from "./figures.js";
import { figureOf, matrix } from "./model.js";
import { Badges } from "./systems.jsx";

const MOST = 40;
/** Boards, and frameworks, that are drawn. */

export function Matrix({ view, change, inView }) {
  const name = figureOf(view.cell, view);
  const cells = useMemo(() => matrix(inView, name), [inView, name]);
  const pairs = [...cells.keys()].map((key) => JSON.parse(key));
  const boards = [...new Set(pairs.map(([board]) => board))].sort();
  const frameworks = [...new Set(pairs.map(([, framework]) => framework))].sort();
  const left = Math.max(0, boards.length - MOST) + Math.max(0, frameworks.length - MOST);
  return (
    <section>
      <div class="head">
        <h2 id="matrix">Boards and frameworks</h2>
        <div class="tools">
          <label class="field">Figure
            <select value={view.cell} onChange={(event) => change({ cell: event.target.value })}>
              {["latency", "energy", "memory"].map((key) => (
                <option key={key} value={key}>{FIGURES[figureOf(key, view)].label}</option>))}
            </select>
          </label>
        </div>
      </div>
      {cells.size === 0 ? <p class="empty">No system shown has this figure.</p> : (
        <div class="wide" tabindex="0" role="region" aria-labelledby="matrix">
          <table class="matrix">
            <thead><tr>
              <td />
              {frameworks.slice(0, MOST).map((framework) =>
                <th key={framework} scope="col">{framework || "(not told)"}</th>)}
            </tr></thead>
            <tbody>
              {boards.slice(0, MOST).map((board) => (
                <tr key={board}>
                  <th scope="row">{board}</th>
                  {frameworks.slice(0, MOST).map((framework) => {
                    const cell = cells.get(JSON.stringify([board, framework]));
                    return (
                      <td key={framework}>
                        {cell ? <>{shown(cell.best, name)}<Badges point={cell.best} /></> : "-"}
                        {cell?.count > 1 && <div class="soft small">lowest of {cell.count}</div>}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {left > 0 && <p class="soft">{left} more are left out: narrow down with the filters.</p>}
    </section>
  );
}
