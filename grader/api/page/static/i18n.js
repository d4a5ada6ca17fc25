// Texts of the page in the chosen language, from locales/*.json.
import { byId, stored } from "./dom.js";

const LOCALES = ["en", "ko"];
let texts = {};
let locale = "en";

/** The text of a key; {name} is replaced by the parameter of that name. */
export const t = (key, parameters = {}) =>
  (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => parameters[name] ?? whole);

/** The text of a key, or another text without it. English has none for what the server says in English. */
export const textOr = (key, other, parameters) => (key in texts ? t(key, parameters) : other);

export const time = (moment) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" })
  .format(new Date(moment));

function preferred() {
  const wanted = [stored.read("localStorage", "grading.locale"), ...navigator.languages];
  return wanted.map((each) => each.slice(0, 2)).find((each) => LOCALES.includes(each)) ?? "en";
}

async function load(name) {
  const answer = await fetch(new URL(`./locales/${name}.json`, import.meta.url));
  if (!answer.ok) return;
  texts = await answer.json();
  locale = name;
  document.documentElement.lang = name;
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = t(node.dataset.i18n);
  for (const node of document.querySelectorAll("[data-i18n-label]")) node.setAttribute("aria-label", t(node.dataset.i18nLabel));
}

/** Loads the texts, and again when another language is chosen; `changed` then draws the rest. */
export async function startLocale(title, changed) {
  const choice = byId("locale");
  await load(preferred());
  choice.value = locale;
  document.title = t(title);
  choice.addEventListener("change", async () => {
    stored.write("localStorage", "grading.locale", choice.value);
    await load(choice.value);
    document.title = t(title);
    changed();
  });
}
