// The page at `/`: choose, write, submit, watch, look back.
import { ApiError } from "./api.js";
import { announce, byId, el, stored } from "./dom.js";
import { t, time } from "./i18n.js";
import { render } from "./markdown.js";
import { Pending } from "./pending.js";
import { ResultView, stateChip } from "./result.js";
import { askForKey, describe, start } from "./shell.js";
import { base64, Source } from "./source.js";

const LARGEST_BODY = 512 << 10; // bytes; above it the program goes to the bucket first
const PAGE = 20;

const source = new Source();
const view = new ResultView();
let api = null;
let me = null;
let pending = null;
let problems = [];
let languages = [];
let watching = null;
let following = null;
let cursor = "";
let loads = 0;

const failed = (error) => {
  if (error instanceof ApiError && error.status === 401) askForKey(error);
  return describe(error);
};

// --- Problem and language ------------------------------------------------------------------------

function listProblems() {
  const words = byId("search").value.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const found = problems.filter((each) => words.every((word) => `${each.problemId} ${each.title}`.toLocaleLowerCase().includes(word)));
  const chosen = byId("problem").value;
  byId("problem").replaceChildren(...found.map((each) => el("option", { value: each.problemId, selected: each.problemId === chosen }, each.title && each.title !== each.problemId ? `${each.title} (${each.problemId})` : each.problemId)));
  byId("found").textContent = problems.length ? t("problem.found", { count: found.length, all: problems.length }) : t("problem.none");
  if (found.length === 1 && words.length) byId("problem").value = found[0].problemId;
  if (byId("problem").value !== chosen) showProblem();
}

/** Shows the statement of the chosen problem, and its limits, which a key with a user may only lower. */
async function showProblem() {
  const chosen = byId("problem").value;
  const article = byId("statement");
  article.hidden = true;
  const problem = problems.find((each) => each.problemId === chosen);
  for (const [id, limit] of [["time-limit", problem?.timeLimit], ["memory-limit", problem?.memoryLimit]]) {
    byId(id).placeholder = limit ?? "";
    byId(id).max = me.userId && limit ? limit : "";
  }
  if (!problem?.hasStatement) return;
  try {
    const text = await api.text(`/v1/problems/${encodeURIComponent(chosen)}/statement`);
    if (byId("problem").value !== chosen) return;
    article.replaceChildren(el("div", {}, render(text)));
    article.tabIndex = 0;
  } catch (error) {
    if (byId("problem").value !== chosen) return;
    article.replaceChildren(el("p", { className: "error" }, failed(error)));
  }
  article.hidden = false;
}

const draftKey = () => `grading.draft.${byId("language").value}`;

async function chooseLanguage(keep = false) {
  stored.write("localStorage", "grading.language", byId("language").value);
  await source.language(byId("language").value);
  if (!keep && !source.text.trim()) source.text = stored.read("sessionStorage", draftKey());
}

async function takeFile(file) {
  if (!file) return;
  const extension = /\.[^.]+$/.exec(file.name)?.[0].toLowerCase();
  const language = languages.find((each) => extension && `.${each.extension.replace(/^\./, "")}` === extension);
  if (language) {
    byId("language").value = language.name;
    await chooseLanguage(true);
  }
  await source.take(file);
  (source.attachment ? byId("attachment").querySelector("button") : source.area).focus();
}

// --- Submit and watch ----------------------------------------------------------------------------

function request() {
  const { bytes, ...fields } = source.fields();
  const body = {
    problemId: byId("problem").value, language: byId("language").value, ...fields,
    timeLimit: Number(byId("time-limit").value) || undefined, memoryLimit: Number(byId("memory-limit").value) || undefined,
    stopAtFirstFailure: byId("stop").checked, priority: me.priority && byId("urgent").checked,
  };
  if (!me.userId) body.userId = byId("user").value.trim();
  const program = bytes ?? new TextEncoder().encode(fields.source ?? "");
  if (!program.length) throw new Error(t("error.empty"));
  const most = me.maxSourceBytes;
  if (program.length > most) throw new Error(t("error.program", { bytes: program.length, most }));
  if (!body.problemId) throw new Error(t("error.problem"));
  if (!me.userId && !body.userId) throw new Error(t("error.user"));
  const large = program.length > LARGEST_BODY;
  if (large) delete body.source;
  else if (bytes) body.sourceBase64 = base64(bytes);
  return { body, upload: large ? program : null };
}

async function submit(event) {
  event?.preventDefault();
  const button = byId("submit");
  const note = byId("submit-error");
  if (button.getAttribute("aria-disabled") === "true") return;
  note.textContent = "";
  button.setAttribute("aria-disabled", "true");
  const waiting = (seconds, error) => { note.textContent = `${describe(error)} · ${t("say.again", { seconds })}`; };
  try {
    const { body, upload } = request();
    announce(t("say.sending"));
    let accepted = await api.send("/v1/submissions", body, { waiting });
    if (upload) {
      try { await api.upload(accepted.uploadUrl, accepted.uploadHeaders ?? {}, upload); }
      catch { throw new Error(t("error.upload")); }
      accepted = await api.send(`/v1/submissions/${encodeURIComponent(accepted.requestId)}/uploaded`, undefined, { waiting });
    }
    note.textContent = "";
    stored.write("sessionStorage", draftKey(), source.attachment ? "" : source.text);
    pending.add(accepted.requestId);
    open(accepted.requestId);
  } catch (error) {
    note.textContent = failed(error);
  } finally {
    button.setAttribute("aria-disabled", "false");
  }
}

function open(id) {
  const address = `#/submission/${encodeURIComponent(id)}`;
  if (location.hash === address) follow(id);
  else location.hash = address;
}

async function follow(id) {
  watching?.abort();
  watching = new AbortController();
  following = id;
  const { signal } = watching;
  const body = byId("result-body");
  byId("result").hidden = false;
  byId("result").focus({ preventScroll: true });
  byId("result").scrollIntoView({ block: "nearest" });
  body.replaceChildren(el("p", {}, t("result.loading")));
  try {
    let status = "";
    for await (const found of api.watch(id, { signal, waiting: () => announce(t("say.reconnecting")) })) {
      if (following !== id) return;
      view.show(found);
      if (found.status !== status) loadHistory();
      status = found.status;
    }
  } catch (error) {
    if (!signal.aborted) body.replaceChildren(el("p", { className: "error", role: "alert" }, failed(error)));
  }
}

function route() {
  const found = /^#\/submission\/(.+)$/.exec(location.hash);
  try { if (found) follow(decodeURIComponent(found[1])); } catch { /* not an address of ours */ }
}

// --- History -------------------------------------------------------------------------------------

function historyRow(found) {
  const button = el("button", { type: "button", className: "quiet", "aria-label": t("history.open", { id: found.requestId }) }, found.requestId);
  button.addEventListener("click", () => open(found.requestId));
  return el("tr", {},
    el("td", {}, found.submittedAt ? time(found.submittedAt) : ""), el("td", {}, found.problemId), el("td", {}, found.language), el("td", {}, stateChip(found)),
    el("td", { className: "number" }, found.result ? String(found.result.score) : ""), el("td", {}, button));
}

/** Those sent from here that no worker has taken; forgets the ids of the others. */
async function waitingOnes(listed) {
  const read = async (id) => {
    try {
      const found = listed.find((each) => each.requestId === id) ?? await api.json(`/v1/submissions/${encodeURIComponent(id)}`);
      if (found.status === "queued") return [found];
    } catch (error) {
      if (error.status !== 404) return [];
    }
    pending.remove(id);
    return [];
  };
  return (await Promise.all(pending.ids.map(read))).flat();
}

async function loadHistory(more = false) {
  loads += 1;
  const load = loads;
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (more && cursor) query.set("cursor", cursor);
  const user = byId("history-user").value.trim();
  if (me.scopes.includes("read-all") && user) query.set("userId", user);
  const note = byId("history-note");
  try {
    const page = await api.json(`/v1/submissions?${query}`);
    const waiting = more ? [] : await waitingOnes(page.submissions);
    if (load !== loads) return; // a later one draws
    const rows = [...waiting.filter((each) => !user || each.userId === user), ...page.submissions].map(historyRow);
    if (more) byId("history").append(...rows);
    else byId("history").replaceChildren(...rows);
    cursor = page.next ?? "";
    byId("more").hidden = !cursor;
    note.textContent = byId("history").childElementCount ? "" : t("history.none");
  } catch (error) {
    note.textContent = failed(error);
  }
}

// --- Start ---------------------------------------------------------------------------------------

async function startEditor() {
  await source.upgrade();
  await chooseLanguage();
  performance.mark("ready");
  byId("editor").dataset.ready = source.isEditor ? "yes" : "no";
}

async function opened(client, caller) {
  [api, me] = [client, caller];
  pending = new Pending(me.userId ?? me.name);
  const all = me.scopes.includes("read-all");
  byId("user-field").hidden = Boolean(me.userId);
  byId("history-user-field").hidden = !all;
  byId("urgent-field").hidden = !me.priority;
  byId("operator-link").hidden = !me.scopes.includes("admin");
  const lists = await Promise.allSettled([api.json("/v1/problems"), api.json("/v1/languages")]);
  [problems, languages] = lists.map((each) => each.value ?? []);
  const wrong = lists.find((each) => each.status === "rejected");
  byId("submit-error").textContent = wrong ? failed(wrong.reason) : "";
  byId("language").replaceChildren(...languages.map((each) => el("option", { value: each.name }, each.version ? `${each.title} ${each.version}` : each.title)));
  const last = stored.read("localStorage", "grading.language");
  if (languages.some((each) => each.name === last)) byId("language").value = last;
  listProblems();
  startEditor();
  route();
  await loadHistory();
}

function changed() {
  if (!api) return;
  listProblems();
  view.redraw();
  loadHistory();
}

function listen() {
  byId("search").addEventListener("input", listProblems);
  byId("search").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); byId("problem").focus(); } });
  byId("problem").addEventListener("change", showProblem);
  byId("language").addEventListener("change", () => chooseLanguage());
  byId("submission").addEventListener("submit", submit);
  byId("submission").noValidate = true;
  byId("more").addEventListener("click", () => loadHistory(true));
  byId("history-user").addEventListener("change", () => loadHistory());
  byId("save").addEventListener("click", () => {
    const language = languages.find((each) => each.name === byId("language").value);
    source.save(`${byId("problem").value || "solution"}.${(language?.extension ?? "txt").replace(/^\./, "")}`);
  });
  byId("file").addEventListener("change", async (event) => { await takeFile(event.target.files[0]); event.target.value = ""; });
  window.addEventListener("hashchange", route);
  window.addEventListener("pagehide", () => { if (api && !source.attachment) stored.write("sessionStorage", draftKey(), source.text); });
  window.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && !byId("work").hidden) { event.preventDefault(); submit(); }
  }, { capture: true });
  const zone = byId("drop");
  const files = (event) => event.dataTransfer?.types.includes("Files");
  window.addEventListener("dragover", (event) => { if (files(event)) { event.preventDefault(); zone.classList.add("dragging"); } });
  window.addEventListener("dragleave", (event) => { if (!event.relatedTarget) zone.classList.remove("dragging"); });
  window.addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    zone.classList.remove("dragging");
    if (!byId("work").hidden) takeFile(event.dataTransfer.files[0]);
  });
}

listen();
start("title", opened, changed);
