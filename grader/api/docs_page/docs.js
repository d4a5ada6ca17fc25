// Shows the OpenAPI document of this server. Texts are set as text, never as HTML.
const make = (name, text, ...children) => {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
};

const api = await (await fetch("/openapi.json")).json();
const schemas = api.components.schemas;

const prose = (text) => {
  const parts = (text ?? "").split("`");
  return parts.map((part, index) => (index % 2 ? make("code", part) : document.createTextNode(part)));
};

const named = (reference) => reference.split("/").pop();

const typeOf = (schema) => {
  if (!schema) return [document.createTextNode("any")];
  if (schema.$ref) {
    const name = named(schema.$ref);
    const link = make("a", name);
    link.href = `#schema-${name}`;
    return [link];
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    return choices.flatMap((each, index) => [...(index ? [document.createTextNode(" or ")] : []), ...typeOf(each)]);
  }
  if (schema.type === "array") return [document.createTextNode("list of "), ...typeOf(schema.items)];
  const limits = ["minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "pattern"]
    .filter((key) => schema[key] !== undefined)
    .map((key) => `${key} ${schema[key]}`);
  const values = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
  const text = values.length ? values.map((each) => JSON.stringify(each)).join(", ") : schema.type ?? "any";
  return [document.createTextNode(limits.length ? `${text} (${limits.join(", ")})` : text)];
};

const row = (kind, cells) => make("tr", "", ...cells.map((cell) => make(kind, "", ...cell)));

const table = (heads, rows) =>
  make("table", "", make("thead", "", row("th", heads.map((head) => [head]))),
    make("tbody", "", ...rows.map((cells) => row("td", cells))));

const text = (value) => [document.createTextNode(value ?? "")];
const code = (value) => [make("code", value)];

const fields = (schema) =>
  table(["field", "type", "meaning"], Object.entries(schema.properties ?? {}).map(([name, each]) => [
    code(name), typeOf(each), prose((schema.required?.includes(name) ? "required; " : "") + (each.description ?? "")),
  ]));

const describe = (path, method, operation) => {
  const title = make("h2", "", make("code", `${method.toUpperCase()} ${path}`));
  title.id = operation.operationId;
  const section = make("section", "", title);
  for (const paragraph of (operation.description ?? "").split("\n\n")) section.append(make("p", "", ...prose(paragraph)));
  if (operation.parameters?.length) {
    section.append(make("h3", "Parameters"), table(["name", "in", "type", "meaning"], operation.parameters.map((each) => [
      code(each.name), text(each.in), typeOf(each.schema), prose(each.description),
    ])));
  }
  const body = operation.requestBody?.content?.["application/json"]?.schema;
  if (body) section.append(make("h3", "Body"), make("p", "", ...typeOf(body)));
  section.append(make("h3", "Answers"), table(["status", "meaning", "document"], Object.entries(operation.responses).map(
    ([status, each]) => {
      const content = Object.values(each.content ?? {})[0];
      return [code(status), prose(each.description), content?.schema ? typeOf(content.schema) : text("")];
    })));
  return section;
};

document.title = api.info.title;
document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
document.getElementById("about").replaceChildren(...prose(api.info.description));
const list = make("ul");
const main = document.getElementById("endpoints");
for (const [path, operations] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const link = make("a", `${method.toUpperCase()} ${path}`);
    link.href = `#${operation.operationId}`;
    list.append(make("li", "", link));
    main.append(describe(path, method, operation));
  }
}
document.getElementById("contents").append(list);
for (const [name, schema] of Object.entries(schemas)) {
  const title = make("h2", name);
  title.id = `schema-${name}`;
  const section = make("section", "", title, make("p", "", ...prose(schema.description)));
  section.append(schema.enum ? make("p", "", ...typeOf(schema)) : fields(schema));
  main.append(section);
}
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
