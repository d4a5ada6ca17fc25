// What both pages have: language, colours, and the key, which is kept for the session only unless
// its user chooses otherwise.
import { Api, ApiError } from "./api.js";
import { byId, stored } from "./dom.js";
import { startLocale, t, textOr } from "./i18n.js";

const KEY = "grading.key";

/** What went wrong, in words: the kind in the language of the page, the server's own, and each wrong field. */
export function describe(error) {
  if (!(error instanceof ApiError)) return String(error?.message ?? error);
  const known = { 0: "error.network", 401: "error.key", 413: "error.large" }[error.status];
  const kind = textOr(`problems.${error.kind}`, "");
  const parts = [kind, error.message || t(known ?? "error.status", { status: error.status })];
  parts.push(...error.fields.map((each) => `${each.field}: ${each.message}`).filter((each) => !error.message.includes(each)));
  if (!kind) parts.push(error.nextStep); // the translation has it
  if (error.retryAfter) parts.push(t("error.retry", { seconds: error.retryAfter }));
  return parts.filter(Boolean).join(" · ");
}

function startTheme() {
  const choice = byId("theme");
  choice.value = stored.read("localStorage", "grading.theme");
  choice.addEventListener("change", () => {
    stored.write("localStorage", "grading.theme", choice.value);
    if (choice.value) document.documentElement.dataset.theme = choice.value;
    else delete document.documentElement.dataset.theme;
  });
}

function show(signedIn) {
  byId("sign-in").hidden = signedIn;
  byId("work").hidden = !signedIn;
  byId("sign-out").hidden = !signedIn;
}

function forget() {
  stored.write("sessionStorage", KEY, "");
  stored.write("localStorage", KEY, "");
}

/** Asks for the key again, for example because it was revoked. */
export function askForKey(error) {
  forget();
  show(false);
  byId("key-error").textContent = error ? describe(error) : "";
  byId("key").focus();
}

/**
 * Starts the page.
 * @param title Key of its title.
 * @param opened Called with (api, me) once there is a valid key.
 * @param changed Called when another language is chosen.
 */
export async function start(title, opened, changed) {
  startTheme();
  await startLocale(title, changed);
  const open = async (key, keep = () => {}) => {
    const api = new Api(key);
    const me = await api.json("/v1/me");
    keep();
    show(true);
    await opened(api, me);
  };
  byId("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const key = byId("key").value.trim();
    byId("key-error").textContent = "";
    try {
      await open(key, () => stored.write(byId("remember").checked ? "localStorage" : "sessionStorage", KEY, key));
      byId("key").value = "";
      byId("main").focus();
    } catch (error) {
      show(false);
      byId("key-error").textContent = describe(error);
    }
  });
  byId("sign-out").addEventListener("click", () => { forget(); location.reload(); });
  const key = stored.read("sessionStorage", KEY) || stored.read("localStorage", KEY);
  if (!key) return show(false);
  try { await open(key); } catch (error) {
    if (error.status === 401) return askForKey(error);
    show(false);
    byId("key").value = key;
    byId("key-error").textContent = describe(error);
  }
}
