// The operator's page: queues, workers, the latest failures and the commands for them.
import { ApiError, pause } from "./api.js";
import { announce, byId, el } from "./dom.js";
import { t, time } from "./i18n.js";
import { askForKey, describe, start } from "./shell.js";

const EVERY = 5000; // milliseconds
const SERVICES = { database: "operator.database", queues: "operator.broker" };

let api = null;
let overview = null;

const cell = (value, number = false) => el("td", { className: number ? "number" : "" }, String(value ?? "–"));

function rows(id, items, draw, columns) {
  const found = (items ?? []).map((each) => el("tr", {}, ...draw(each)));
  const nothing = () => el("tr", {}, el("td", { colSpan: columns }, t(items ? "operator.none" : "operator.unknown")));
  byId(id).replaceChildren(...(found.length ? found : [nothing()]));
}

function draw() {
  if (!overview) return;
  rows("queues", overview.queues, (each) => [cell(each.name), cell(each.waiting, true), cell(each.inFlight, true), cell(each.consumers, true)], 4);
  rows("workers", overview.workers, (each) => [cell(each.workerId), cell(each.running, true), cell(each.lastSeenAt ? time(each.lastSeenAt) : null)], 3);
  rows("failures", overview.failures, (each) => [cell(each.at ? time(each.at) : null), cell(each.requestId), cell(each.userId), cell(each.problemId), cell(each.code), cell(each.message)], 6);
  if (byId("commands").childElementCount !== overview.commands.length) byId("commands").replaceChildren(...overview.commands.map(command));
  for (const button of document.querySelectorAll("#commands button")) {
    button.textContent = t("operator.copy");
    button.ariaLabel = `${t("operator.copy")}: ${button.previousElementSibling.textContent}`;
  }
  byId("overview-error").textContent = overview.away.map((each) => t("operator.away", { service: t(SERVICES[each]) })).join(" ");
  byId("updated").textContent = t("operator.updated", { time: time(Date.now()) });
}

function command(each) {
  const button = el("button", { type: "button", className: "quiet" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(each.command);
      announce(t("operator.copied", { command: each.command }));
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling); // without the right, or on plain http
      announce(t("operator.selected"));
    }
  });
  return el("li", {}, el("span", {}, each.title), el("pre", { tabIndex: 0 }, each.command), button);
}

async function refresh() {
  try {
    overview = await api.json("/v1/operator/overview");
    draw();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) askForKey(error);
    if (error.status === 403) {
      byId("work").hidden = true;
      byId("refused").hidden = false;
      byId("refused").textContent = t("operator.refused");
      return false;
    }
    byId("overview-error").textContent = describe(error);
  }
  return !byId("work").hidden;
}

async function opened(client) {
  api = client;
  if (!(await refresh())) return;
  (async () => {
    for (;;) {
      await pause(EVERY);
      if (byId("refresh").checked && !document.hidden && !byId("work").hidden) await refresh();
    }
  })();
}

start("operator.page", opened, draw);
