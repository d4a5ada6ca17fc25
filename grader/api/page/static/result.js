// Draws a submission: where it waits, the cases as they come in, the verdict and the tip.
import { isAnswer } from "./api.js";
import { el, byId, announce } from "./dom.js";
import { t, textOr, time } from "./i18n.js";

const GOOD = new Set(["AC", "SUCCESS"]);
const LONGEST_LIST = 2000; // rows; more make a browser slow

/** A verdict in words and its code, never by colour alone. */
export function verdictChip(code, big = false) {
  const kind = GOOD.has(code) ? "good" : code === "IE" ? "warn" : "bad";
  return el("span", { className: `verdict ${kind}${big ? " big" : ""}` }, `${textOr(`verdict.${code}`, code)} (${code})`);
}

export function stateChip(found) {
  if (isAnswer(found)) return verdictChip(found.status);
  if (found.result) return verdictChip(found.result.verdict);
  const failed = found.status === "failed";
  return el("span", { className: `verdict ${failed ? "bad" : "warn"}` }, textOr(`status.${found.status}`, found.status));
}

/** One line for a screen reader; changes only when there is something to say. */
export function summary(found) {
  if (isAnswer(found)) return `${found.functionId}: ${textOr(`verdict.${found.status}`, found.status)}`;
  if (found.result) return t("say.verdict", { verdict: textOr(`verdict.${found.result.verdict}`, found.result.verdict), score: found.result.score });
  if (found.error) return t("say.failed", { message: textOr(`failure.${found.error.code}`, found.error.message) });
  if (found.status === "running") return t(found.progress?.phase === "compiling" ? "say.compiling" : "say.running");
  return waitingText(found.queue) ?? t("status.queued");
}

function waitingText(queue) {
  if (!queue) return null;
  const parts = [queue.position ? t("queue.position", { position: queue.position, waiting: queue.waiting }) : t("queue.waiting", { waiting: queue.waiting })];
  if (typeof queue.consumers === "number") parts.push(t("queue.consumers", { consumers: queue.consumers }));
  if (queue.note) parts.push(textOr(`note.${queue.noteCode}`, queue.note));
  return parts.join(" · ");
}

const failureText = ({ code, message }) => [textOr(`failure.${code}`, ""), `${message} (${code})`].filter(Boolean).join(" · ");

/** A tip in the language of the page where it has the form of a grading, else in the words of the worker. */
const tipText = (tip) => tip.replace(/(\d+ (MB|ms)) of (?:memory|CPU time) asked, (\d+ \2) used: (\d+ \2) would do\./g,
  (sentence, limit, unit, used, enough) => textOr(unit === "MB" ? "tip.memory" : "tip.time", sentence, { limit, used, enough }));

export class ResultView {
  #cases = new Map();
  #rows = new Map();
  #said = "";
  #id = "";

  /** Draws a document; the same request again only adds what changed. */
  show(found) {
    if (found.requestId !== this.#id) {
      this.#id = found.requestId;
      this.#cases.clear();
      this.#rows.clear();
      this.#said = "";
    }
    this.found = found;
    if (isAnswer(found)) this.#drawFunction(found);
    else this.#draw(found);
    byId("result").hidden = false;
    const text = summary(found);
    if (text !== this.#said) announce(text);
    this.#said = text;
  }

  redraw() {
    this.#rows.clear();
    if (this.found) this.show(this.found);
  }

  #draw(found) {
    const grade = found.result;
    if (grade) this.#cases.clear();
    for (const each of grade?.testResults ?? found.progress?.testResults ?? []) this.#cases.set(each.case, each);
    const total = grade?.casesTotal ?? found.progress?.casesTotal;
    const done = grade ? this.#cases.size : Math.max(found.progress?.casesDone ?? 0, this.#cases.size);
    const head = [
      el("p", {}, grade ? verdictChip(grade.verdict, true) : stateChip(found), " ", grade ? t("result.score", { score: grade.score }) : ""),
      !grade && !found.error && found.status === "running" ? this.#progress(done, total) : null,
      found.status === "queued" ? el("p", {}, waitingText(found.queue) ?? t("queue.unknown")) : null,
      found.error ? el("p", { className: "error" }, failureText(found.error)) : null,
      grade?.reason ? el("p", {}, grade.reason) : null,
      grade?.optimizationTip ? el("p", { className: "tip" }, el("strong", {}, t("result.tip")), " ", tipText(grade.optimizationTip)) : null,
      grade?.message ? el("div", {}, el("h3", {}, t("result.message")), el("pre", { tabIndex: 0 }, grade.message)) : null,
      this.#facts(found),
    ];
    const body = byId("result-body");
    const cases = this.#drawCases(body.querySelector(".cases"), grade);
    body.replaceChildren(...head.filter(Boolean), ...(cases ? [cases] : []));
  }

  #progress(done, total) {
    const text = total ? t("result.progress", { done, total }) : t("result.done", { done });
    const bar = el("progress", { max: total ?? 1, "aria-label": text });
    if (total) bar.value = done;
    return el("div", {}, bar, el("p", { className: "hint" }, text));
  }

  #facts(found) {
    const grade = found.result;
    const rows = [
      ["function.id", found.functionId], ["result.problem", found.problemId], ["result.language", found.language], ["result.user", found.userId],
      ["result.submitted", found.submittedAt && time(found.submittedAt)], ["result.finished", found.finishedAt && time(found.finishedAt)],
      ["result.time", grade && t("unit.ms", { value: grade.executionTime })], ["result.memory", grade && t("unit.mb", { value: grade.memoryUsage })],
      ["result.attempts", found.attempts > 1 ? String(found.attempts) : ""], ["history.id", el("a", { href: `#/submission/${encodeURIComponent(found.requestId)}` }, found.requestId)],
    ];
    return el("dl", {}, ...rows.filter(([, value]) => value).flatMap(([key, value]) => [el("dt", {}, t(key)), el("dd", {}, value)]));
  }

  /** The table of cases; keeps its rows and its place while they come in. */
  #drawCases(old, grade) {
    if (!this.#cases.size) return null;
    const table = this.#rows.size && old ? old : this.#caseTable();
    const body = table.querySelector("tbody");
    for (const each of [...this.#cases.values()].sort((a, b) => a.case - b.case).slice(0, LONGEST_LIST)) {
      const text = JSON.stringify(each);
      if (this.#rows.get(each.case)?.dataset.text === text) continue;
      const row = el("tr", {},
        el("td", { className: "number" }, String(each.case)), el("td", {}, each.group ?? ""), el("td", {}, verdictChip(each.status)),
        el("td", { className: "number" }, t("unit.ms", { value: each.time })), el("td", { className: "number" }, t("unit.mb", { value: each.memory })),
        el("td", { className: "number" }, each.score === undefined ? "" : String(each.score)), el("td", {}, each.reason ?? ""));
      row.dataset.text = text;
      const present = this.#rows.get(each.case);
      if (present) present.replaceWith(row);
      else body.append(row);
      this.#rows.set(each.case, row);
    }
    if (grade) for (const [number, row] of this.#rows) if (!this.#cases.has(number)) { row.remove(); this.#rows.delete(number); }
    return table;
  }

  #caseTable() {
    this.#rows.clear();
    const names = ["case.number", "case.group", "case.verdict", "case.time", "case.memory", "case.score", "case.reason"];
    const head = names.map((name, at) => el("th", { scope: "col", className: [0, 3, 4, 5].includes(at) ? "number" : "" }, t(name)));
    return el("div", { className: "scroll cases", role: "region", tabIndex: 0, "aria-label": t("case.title") },
      el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody")));
  }

  #drawFunction(found) {
    const facts = [["function.id", found.functionId], ["function.exit", String(found.exitCode)], ["result.time", t("unit.ms", { value: found.durationMillis })],
      ["result.memory", t("unit.mb", { value: found.peakMemoryMB })], ["history.id", found.requestId]];
    byId("result-body").replaceChildren(...[
      el("p", {}, verdictChip(found.status, true)),
      found.optimizationTip ? el("p", { className: "tip" }, el("strong", {}, t("result.tip")), " ", found.optimizationTip) : null,
      el("dl", {}, ...facts.flatMap(([key, value]) => [el("dt", {}, t(key)), el("dd", {}, value)])),
      ...["stdout", "stderr"].filter((name) => found[name]).flatMap((name) => [el("h3", {}, name), el("pre", { tabIndex: 0 }, found[name])]),
    ].filter(Boolean));
  }
}
