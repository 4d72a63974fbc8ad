// Narrowing down: words, limits on figures, and the values that systems have.

import { useMemo, useState } from "preact/hooks";

import { FIGURES } from "./figures.js";
import { counted, FACETS, figureOf, LIMITED, narrowed } from "./model.js";

const WIDE = "(min-width: 901px)";

function Limits({ view, change, points }) {
  const there = LIMITED.filter(
    (key) => view.limits[key] || points.some(({ figures }) => figures[figureOf(key, view)] !== undefined));
  if (!there.length) return null;
  const set = (key, typed) => {
    const { [key]: _, ...limits } = view.limits;
    change({ limits: Number(typed) > 0 ? { ...limits, [key]: Number(typed) } : limits });
  };
  return (
    <fieldset>
      <legend>At most</legend>
      <div class="limits">
        {there.map((key) => {
          const { label, unit } = FIGURES[figureOf(key, view)];
          return [
            <label for={`most-${key}`}>{label}</label>,
            <input id={`most-${key}`} type="number" min="0" step="any" inputmode="decimal"
              value={view.limits[key] ?? ""} onInput={(event) => set(key, event.target.value)} />,
            <span>{unit}</span>,
          ];
        })}
      </div>
    </fieldset>
  );
}

function Facet({ name, title, points, view, change }) {
  const [open, setOpen] = useState(false);
  const chosen = view.facets[name] ?? [];
  const { text, facets, limits, meets, latency, memory } = view;
  const values = useMemo(
    () => counted(narrowed(points, view, name), name, chosen),
    [points, text, facets, limits, meets, latency, memory]);
  if (values.length < 2 && !chosen.length) return null;
  const toggle = (value) => {
    const now = chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value];
    const { [name]: _, ...others } = view.facets;
    change({ facets: now.length ? { ...others, [name]: now } : others });
  };
  return (
    <details onToggle={(event) => setOpen(event.target.open)}>
      <summary>{title}{chosen.length ? ` (${chosen.length} chosen)` : ""}</summary>
      <div class="choices" role="group" aria-label={title}>
        {open && values.map(([value, count]) => (
          <label key={value}>
            <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} />
            <span>{value}</span><span class="soft" style="flex: none">{count}</span>
          </label>
        ))}
      </div>
    </details>
  );
}

function targetOf(task) {
  return Object.entries(task.targets)
    .map(([metric, least]) => `${FIGURES[metric].label} of at least ${FIGURES[metric].show(least)}`)
    .join(", ");
}

export function Filters(parts) {
  const { view, change, reset, points, inView, task } = parts;
  const [open, setOpen] = useState(matchMedia(WIDE).matches);
  const active = Object.keys(view.facets).length + Object.keys(view.limits).length +
    (view.text ? 1 : 0) + (view.meets ? 1 : 0);
  const target = targetOf(task);
  return (
    <details class="filters" open={open} onToggle={(event) => setOpen(event.target.open)}>
      <summary>Filters{active ? ` (${active} set)` : ""}</summary>
      <input class="search" type="search" placeholder="Words: board, submitter, …" aria-label="words"
        value={view.text} onInput={(event) => change({ text: event.target.value })} />
      <p role="status" class="small soft">
        {inView.length} of {points.length} systems shown
      </p>
      <Limits {...parts} />
      {target && (
        <fieldset>
          <label class="small">
            <input type="checkbox" checked={view.meets}
              onChange={(event) => change({ meets: event.target.checked })} />{" "}
            Only what meets the quality target ({target})
          </label>
        </fieldset>
      )}
      {FACETS.map(([name, title]) => <Facet key={name} name={name} title={title} {...parts} />)}
      <p><button type="button" onClick={reset} disabled={!active}>Remove all filters</button></p>
    </details>
  );
}
