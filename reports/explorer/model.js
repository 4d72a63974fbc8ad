// What is shown, without any of the page: points of one task, filters, order, Pareto fronts.

import { FIGURES, nameOf } from "./figures.js";

/** What a reader can narrow down by: [key, title]. */
export const FACETS = [
  ["source", "Source"], ["submitter", "Submitter"], ["device", "Board"], ["software", "Framework"],
  ["processor", "Processor"], ["accelerator", "Accelerator"], ["division", "Division"],
  ["category", "Category"], ["kind", "Kind"], ["data", "Data"], ["record", "Record"],
];
export const LIMITED = ["latency", "energy", "ram_bytes", "flash_bytes"];

/** The figure behind an axis or a limit: latency and memory are of the kind that is chosen. */
export function figureOf(name, view) {
  return { latency: view.latency, energy: "energy_j", memory: view.memory }[name] ?? name;
}

export const facetOf = (row, key) =>
  key === "kind" ? (row.emulated ? "emulated" : "physical") : row[key] || "(none)";

/** A point for each system that has figures of the task. */
export function pointsOf(data, task) {
  const targets = Object.entries(task.targets);
  return data.rows.flatMap((row, id) => {
    const figures = Object.hasOwn(row.tasks, task.name) ? row.tasks[task.name] : undefined;
    if (!figures) return [];
    const judged = targets.filter(([metric]) => figures[metric] !== undefined);
    const meets = judged.length ? judged.every(([metric, least]) => figures[metric] >= least) : undefined;
    return [{ id, row, figures, meets, name: nameOf(row), text: searched(row) }];
  });
}

const searched = (row) =>
  Object.values(row).filter((value) => typeof value === "string").join("\n").toLowerCase();

/** Points that pass everything but the facet `except`, so that each facet can count its own. */
export function narrowed(points, view, except) {
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  const limits = Object.entries(view.limits).map(([key, asked]) => {
    const name = figureOf(key, view);
    return [name, asked * FIGURES[name].asked];
  });
  const facets = Object.entries(view.facets).filter(([key]) => key !== except);
  return points.filter(
    (point) =>
      words.every((word) => point.text.includes(word)) &&
      (!view.meets || point.meets) &&
      limits.every(([name, most]) => point.figures[name] <= most) &&
      facets.every(([key, chosen]) => chosen.includes(facetOf(point.row, key))),
  );
}

/** How many points each value of a facet has, the most frequent first; also what is chosen. */
export function counted(points, key, chosen = []) {
  const counts = new Map(chosen.map((value) => [value, 0]));
  for (const { row } of points) {
    const value = facetOf(row, key);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
}

/** Values of the system's own columns; the rest are figures. */
const OWN = {
  name: (point) => point.name.toLowerCase(),
  software: (point) => point.row.software?.toLowerCase(),
  record: (point) => point.row.record,
  source: (point) => point.row.source?.toLowerCase(),
};

/** In order; what has no value is last both ways, and an emulated time is after all of boards. */
export function sorted(points, [name, direction]) {
  const apart = name.startsWith("latency");
  const value = OWN[name] ?? ((point) => point.figures[name]);
  const sign = direction === "descending" ? -1 : 1;
  const order = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
  return points
    .map((point) => [value(point), point])
    .sort(([a, one], [b, other]) => {
      if (apart && one.row.emulated !== other.row.emulated) return one.row.emulated - other.row.emulated;
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      return sign * order(a, b);
    })
    .map(([, point]) => point);
}

/** Why a point can be on no front; nothing if it can. */
export function offFront(point) {
  const { row, figures, meets } = point;
  if (row.record === "changed") return "its record was changed";
  if (figures.short) return "a quick measurement";
  if (meets === false && row.division !== "open") return "misses the quality target";
  return undefined;
}

/** What a point may be compared with: an emulated board is never on the front of physical ones. */
export function classOf({ row }) {
  const data = { "STAND-IN": "stand-in data", custom: "custom data" }[row.data];
  const kind = row.emulated ? "emulated" : "physical";
  const rehearsal = row.mark && !row.emulated ? "rehearsal" : undefined;
  return [kind, row.division, data, rehearsal].filter(Boolean).join(", ");
}

/**
 * By class, `front`: the points that no other beats in all of `names`, by the first of them; and
 * `of`: how many points it is the front of.
 */
export function fronts(points, names) {
  const whole = points.filter(
    (point) => !offFront(point) && names.every((name) => point.figures[name] > 0),
  );
  const found = new Map();
  for (const [kind, own] of Map.groupBy(whole, classOf)) {
    const values = (point) => names.map((name) => point.figures[name]);
    const order = (a, b) => {
      const [left, right] = [values(a), values(b)];
      const at = left.findIndex((value, index) => value !== right[index]);
      return at < 0 ? 0 : left[at] - right[at];
    };
    const front = [];
    for (const point of own.sort(order)) {
      const mine = values(point);
      const beaten = front.some((other) => {
        const theirs = values(other);
        return (
          theirs.every((value, index) => value <= mine[index]) &&
          theirs.some((value, index) => value < mine[index])
        );
      });
      if (!beaten) front.push(point);
    }
    found.set(kind, { front, of: own.length });
  }
  return found;
}

/** The lowest of a figure for each board and framework. */
export function matrix(points, name) {
  const cells = new Map();
  for (const point of points) {
    if (point.figures[name] === undefined) continue;
    const key = JSON.stringify([point.name, point.row.software ?? ""]);
    const cell = cells.get(key) ?? { best: point, count: 0 };
    if (point.figures[name] < cell.best.figures[name]) cell.best = point;
    cells.set(key, { best: cell.best, count: cell.count + 1 });
  }
  return cells;
}
