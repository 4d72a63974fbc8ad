// Latency, energy and memory against each other, with the Pareto front of each class of systems.

import * as Plot from "@observablehq/plot";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { FIGURES, scaled, shown, warnings } from "./figures.js";
import { counted, facetOf, FACETS, figureOf, fronts, offFront } from "./model.js";

const COLOURS = 7;
const LABELLED = [3, 6];
/** Points on a front that get their name in a narrow and a wide picture; more would overlap. */
const WIDE = 450;
const NAME = 26;

/** The colour of each value, the frequent ones first; the rest share one. */
function coloursOf(points, key) {
  const found = new Map();
  counted(points, key).forEach(([value], index) =>
    found.set(value, index < COLOURS ? `var(--c${index})` : "var(--others)"));
  return found;
}

/** A figure as it is drawn: sizes in KiB, so that the axis has round ones. */
const place = (name) => ({ figures }) =>
  name.endsWith("_bytes") ? figures[name] / 1024 : figures[name];

function tick(name) {
  if (name.endsWith("_bytes")) return (value) => `${Number(value.toPrecision(3))} KiB`;
  return (value) => scaled(value, name === "energy_j" ? "J" : "s");
}

/** Round numbers for a logarithmic axis: 1, 2 and 5 of each power of ten, or 1 if there is no room. */
function rounds(low, high, most) {
  const powers = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) powers.push(power);
  const found = powers.flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
  const within = found.filter((value) => value >= low && value <= high);
  return within.length <= most ? within : within.filter((value) => Number.isInteger(Math.log10(value)));
}

function axis(points, name, emulated, most) {
  const values = points.map(place(name));
  const [low, high] = [Math.min(...values) * 0.85, Math.max(...values) * 1.15];
  const log = high > 8 * low;
  const note = emulated && name.startsWith("latency") ? " (◇ instructions)" : "";
  return {
    type: log ? "log" : "linear", domain: [low, high], ticks: log ? rounds(low, high, most) : 4, grid: true,
    label: FIGURES[name].label + note, tickFormat: tick(name), labelAnchor: "center", labelArrow: "none",
  };
}

const tipOf = (names) => (point) =>
  [point.name, point.row.software, ...names.map((name) => `${FIGURES[name].label}: ${shown(point, name)}`),
    warnings(point).map(([, words]) => words).join(", "),
    offFront(point) && `off the front: ${offFront(point)}`,
  ].filter(Boolean).map((line) => (line.length > 60 ? `${line.slice(0, 60)}…` : line)).join("\n");

function drawn({ points, names, front, colours, colour, chosen, width }) {
  const [x, y] = names.map(place);
  const emulated = points.filter(({ row }) => row.emulated);
  const physical = points.filter(({ row }) => !row.emulated);
  const hue = (point) => colours.get(facetOf(point.row, colour));
  const lines = [...front].map(([kind, { front: line }]) => Plot.line(line, {
    x, y, curve: "step-after", stroke: "currentColor", strokeOpacity: 0.65, strokeWidth: 1.5,
    strokeDasharray: kind.startsWith("emulated") ? "2 4" : undefined,
  }));
  const named = [...front.values()].flatMap(({ front: line }) => (line.length > 1 ? line : []));
  return Plot.plot({
    width, height: Math.min(340, Math.max(250, width * 0.75)), marginLeft: 78, marginBottom: 42,
    marginRight: 16, marginTop: 24, style: { fontSize: "12px" }, ariaLabel: "see the list below",
    color: { type: "identity" },
    x: axis(points, names[0], emulated.length, Math.floor((width - 80) / 58)),
    y: axis(points, names[1], emulated.length, 6),
    marks: [
      ...lines,
      Plot.dot(physical.filter((point) => !offFront(point)), { x, y, fill: hue, fillOpacity: 0.85, r: 5 }),
      Plot.dot(physical.filter(offFront), { x, y, stroke: hue, strokeWidth: 1.8, symbol: "times", r: 4 }),
      Plot.dot(emulated, { x, y, stroke: hue, strokeWidth: 1.8, symbol: "diamond", r: 5 }),
      Plot.dot(points.filter(({ id }) => chosen.includes(id)), { x, y, r: 9, strokeWidth: 2 }),
      named.length > LABELLED[Number(width > WIDE)] ? null : Plot.text(named, {
        x, y, text: ({ name }) => (name.length > NAME ? `${name.slice(0, NAME)}…` : name), dy: -11,
        textAnchor: (point) => (near(points, names[0], point) ? "end" : "start"), fill: "currentColor",
        stroke: "var(--paper)", strokeWidth: 4,
      }),
      Plot.tip(points, Plot.pointer({ x, y, title: tipOf(names) })),
    ],
  });
}

/** Whether a point lies in the right half, so that its name must go to the left. */
function near(points, name, point) {
  const values = points.map(({ figures }) => Math.log(figures[name]));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return Math.log(point.figures[name]) > (low + high) / 2;
}

function Panel({ names, points, view, choose, colours }) {
  const frame = useRef(null);
  const [width, setWidth] = useState(0);
  const whole = useMemo(
    () => points.filter(({ figures }) => names.every((name) => figures[name] > 0)), [points, ...names]);
  const front = useMemo(() => fronts(whole, names), [whole, ...names]);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    watch.observe(frame.current);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (!width || !whole.length) return undefined;
    const { colour, chosen } = view;
    const plot = drawn({ points: whole, names, front, colours, colour, chosen, width });
    plot.setAttribute("aria-hidden", "true");
    plot.addEventListener("click", () => plot.value && choose(plot.value.id));
    frame.current.replaceChildren(plot);
    return () => plot.remove();
  }, [whole, front, colours, view.colour, view.chosen, width]);
  const title = `${FIGURES[names[0]].label} against ${FIGURES[names[1]].label}`;
  return (
    <figure aria-label={title}>
      <h3>{title[0].toUpperCase() + title.slice(1)}</h3>
      <div class="plot" ref={frame} />
      <Fronts front={front} names={names} view={view} choose={choose} />
    </figure>
  );
}

/** The fronts in words, for those who can't see the picture or don't use a pointer. */
function Fronts({ front, names, view, choose }) {
  return [...front].map(([kind, { front: line, of }]) => (
    <div key={kind}>
      <p class="small"><b>Front, {kind}</b>: {line.length} of {of}</p>
      <ol>
        {line.map((point) => (
          <li key={point.id}>
            <button type="button" class="link" aria-pressed={view.chosen.includes(point.id)}
              onClick={() => choose(point.id)}>{point.name}</button>{" "}
            <span class="soft">
              {point.row.software ?? "framework not told"}
              {names.map((name) =>
                <span key={name}>, <span class="whole">{shown(point, name)}</span></span>)}
            </span>
          </li>
        ))}
      </ol>
    </div>
  ));
}

function Legend({ points, colours }) {
  const emulated = points.some(({ row }) => row.emulated);
  const off = points.some((point) => !point.row.emulated && offFront(point));
  const named = [...colours].slice(0, COLOURS);
  return (
    <ul class="legend" aria-label="legend">
      {named.map(([value, hue]) => (
        <li key={value} title={value} class="value"><span class="swatch" style={{ background: hue }} />{value}</li>
      ))}
      {colours.size > COLOURS && (
        <li><span class="swatch" style={{ background: "var(--others)" }} />{colours.size - COLOURS} others</li>
      )}
      {emulated && <li class="emulated">◇ emulated: never on the front of physical boards</li>}
      {off && <li>× off the front: quick, changed, or below the quality target</li>}
    </ul>
  );
}

function Choice({ label, name, options, view, change }) {
  return (
    <label class="field">{label}
      <select value={view[name]} onChange={(event) => change({ [name]: event.target.value })}>
        {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </label>
  );
}

export function Picture(parts) {
  const { view, inView, points } = parts;
  const colours = useMemo(() => coloursOf(points, view.colour), [points, view.colour]);
  const pairs = [["latency", "energy"], ["latency", "memory"], ["energy", "memory"]]
    .map((pair) => pair.map((key) => figureOf(key, view)));
  const having = (names) => inView.some(({ figures }) => names.every((name) => figures[name] > 0));
  const missing = pairs.filter((names) => !having(names));
  const three = [...new Set(pairs.flat())];
  return (
    <section>
      <div class="head">
        <h2>Latency, energy, memory</h2>
        <div class="tools">
          <Choice label="Latency" name="latency" {...parts}
            options={[["latency_p90_s", "p90 of single queries"], ["latency_s", "1/throughput"]]} />
          <Choice label="Memory" name="memory" {...parts}
            options={[["ram_bytes", "RAM"], ["flash_bytes", "flash"]]} />
          <Choice label="Colour" name="colour" {...parts} options={FACETS} />
        </div>
      </div>
      <p class="soft">
        The line, and the list below each picture, is the <b>Pareto front</b>: the systems that no other of
        their kind beats in both figures.
      </p>
      <div class="panels">
        {pairs.filter(having).map((names) => <Panel key={names.join()} {...parts}
          names={names} points={inView} colours={colours} />)}
      </div>
      {having(three) && (
        <details class="three">
          <summary>The front of all three figures</summary>
          <Fronts front={fronts(inView, three)} names={three} {...parts} />
        </details>
      )}
      {missing.length > 0 && (
        <p class="soft small">No picture of {missing.map((names) =>
          names.map((name) => FIGURES[name].label).join(" against ")).join("; ")}: no system shown has both.</p>
      )}
      {missing.length < 3 && <Legend points={inView} colours={colours} />}
    </section>
  );
}
