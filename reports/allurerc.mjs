// The HTML report: one file that opens without a server. `tinyhil.publish.report.html` runs Allure with it.

import { readFileSync } from "node:fs";

const categories = JSON.parse(readFileSync(new URL("categories.json", import.meta.url), "utf8"));

export default {
  name: "tinyhil",
  // Allure 3 takes its categories from here, Allure 2 from the file in the results folder.
  categories: { rules: categories.map((rule) => ({ ...rule, expand: true })) },
  // How each test ended in earlier runs; figures over runs are drawn by tinyhil itself.
  ...(process.env.TINYHIL_HISTORY
    ? { historyPath: process.env.TINYHIL_HISTORY, appendHistory: true, historyLimit: 50 }
    : {}),
  hideLabels: ["framework", "language", "package", "thread"],
  plugins: {
    awesome: { options: { singleFile: true, reportLanguage: "en", groupBy: ["epic", "feature"] } },
    // Allure adds it by itself; with a second plugin the page would move into its own folder.
    agent: { enabled: false },
  },
};
