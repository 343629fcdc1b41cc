// The page: samples come in by the stream, are drawn, and what the user switches goes out.
const by_id = (id) => document.getElementById(id);
let samples = [];                                // of the last minute and a bit

const kinds = [
  { key: "useful", name: "in time", colour: "useful", hatching: "plain" },
  { key: "late", name: "too late", colour: "late", hatching: "dark level" },
  { key: "errors", name: "errors", colour: "errors", hatching: "rising" },
  { key: "refused_by_breaker", name: "refused by breaker", colour: "by-breaker", hatching: "upright" },
  { key: "refused_by_bulkhead", name: "refused by bulkhead", colour: "by-bulkhead", hatching: "falling" },
  { key: "never_made", name: "no caller free", colour: "never", hatching: "level" },
];

// Legends, with the newest figures in them.
function legend(chart, entries) {
  const list = document.querySelector(`.legend[data-for=${chart}]`);
  for (const { key, name, mark } of entries) {
    const item = list.appendChild(document.createElement("li"));
    item.innerHTML = `<svg viewBox="0 0 16 10" aria-hidden="true">${mark}</svg>`;
    item.append(name);
    if (key === undefined) continue;
    const value = document.createElement("b");
    value.id = "value_" + key;
    item.append(" ", value);
  }
}
const filled = (name) => `<rect width="16" height="10" rx="2" fill="var(--${name})"/>`;
const drawn = (name, dash = "", width = 3) =>
  `<path d="M0 5h16" stroke="var(--${name})" stroke-width="${width}" stroke-dasharray="${dash}"/>`;
const hatched = (name, lines, pen = "#fff") => filled(name) + `<path d="${lines}" stroke="${pen}" opacity=".5"/>`;
legend("band", [{ name: "closed", mark: filled("closed") },
                { name: "open", mark: hatched("open", "M-1 9l8-8M5 9l8-8M11 9l8-8") },
                { name: "half-open", mark: hatched("half-open", "M3 0v10M8 0v10M13 0v10", "#000") },
                { name: "off", mark: hatched("off", "M0 3h16M0 7h16") }]);
legend("rates", kinds.map(({ key, name, colour }) => ({ key, name, mark: filled(colour) })));
legend("latency", [{ key: "p50", name: "half within", mark: drawn("accent") },
                   { key: "p99", name: "99 % within", mark: drawn("errors", "5 2") },
                   { key: "patience", name: "too late after", mark: drawn("text", "2 2", 1.5) }]);
legend("bulkhead", [{ key: "in_use", name: "permits in use", mark: filled("accent") },
                    { key: "waiting", name: "callers waiting for one", mark: drawn("late", "5 2") },
                    { key: "capacity", name: "permits", mark: drawn("text", "2 2", 1.5) }]);
legend("service", [{ key: "in_service", name: "requests at the service", mark: filled("never") },
                   { key: "in_flight", name: "callers in a request", mark: drawn("accent") },
                   { key: "all", name: "callers", mark: drawn("text", "2 2", 1.5) },
                   { key: "arrived", name: "requests a second", mark: "" },
                   { key: "retries", name: "of them retries", mark: "" }]);

function milliseconds(value) {
  if (value === null) return "-";
  if (value >= 1000) return (value / 1000).toFixed(2) + " s";
  return value.toFixed(value < 10 ? 1 : 0) + " ms";
}

function put(id, text) {
  if (by_id(id).textContent !== text) by_id(id).textContent = text;
}

// A second, `figure` of each sample.
function rate(figure, from = samples.length - 5, to = samples.length) {
  const some = samples.slice(Math.max(0, from), to);
  const seconds = some.reduce((sum, s) => sum + s.seconds, 0);
  return seconds === 0 ? 0 : some.reduce((sum, s) => sum + figure(s), 0) / seconds;
}

const state_of = (s) => s.settings.breaker ? s.breaker.state : "off";

function show_now(s) {
  by_id("badge").dataset.state = state_of(s);
  put("state", s.settings.breaker ? s.breaker.state : "off (" + s.breaker.state + ")");
  const is_open = s.breaker.state === "open";
  put("retry_after", !is_open ? "-" : s.breaker.retry_after === null ? "never" : milliseconds(s.breaker.retry_after));
  for (const figure of ["generation", "requests", "successes", "failures", "ignored"]) {
    put(figure, String(s.breaker[figure]));
  }
  const { in_use, capacity, waiting } = s.bulkhead;
  const cells = by_id("permits");
  while (cells.children.length < capacity) cells.append(document.createElement("i"));
  for (const [i, cell] of [...cells.children].entries()) cell.classList.toggle("used", i < in_use);
  cells.classList.toggle("full", in_use >= capacity);
  const said = in_use + " of " + capacity + (waiting > 0 ? ", " + waiting + " wait" : "");
  put("in_use", s.settings.bulkhead ? said : "off");
  cells.setAttribute("aria-label", "permits in use: " + said);

  for (const { key } of kinds) put("value_" + key, rate((x) => x.calls[key]).toFixed(0));
  for (const key of ["p50", "p99", "patience"]) put("value_" + key, milliseconds(s.latency[key]));
  for (const key of ["in_use", "waiting", "capacity"]) put("value_" + key, String(s.bulkhead[key]));
  put("value_in_service", String(s.service.in_service));
  put("value_in_flight", String(s.callers.in_flight));
  put("value_all", String(s.callers.all));
  put("value_arrived", rate((x) => x.service.arrived).toFixed(0));
  put("value_retries", rate((x) => x.retries).toFixed(0));
}

function pieces() {
  const made = [];
  let from = samples[0].t - samples[0].seconds;
  for (const s of samples) {
    // Between samples it may have been in several states; the events say when.
    const last = made.at(-1);
    const turns = s.settings.breaker ? s.events.filter((e) => e.kind === "transition") : [];
    for (const { t, from: state } of turns) { made.push({ from, to: t, state }); from = t; }
    if (turns.length === 0 && last?.state === state_of(s)) last.to = s.t;
    else made.push({ from, to: s.t, state: state_of(s) });
    from = s.t;
  }
  return made;
}

function draw_rates(now, times) {
  const smooth = (i, key) => rate((s) => s.calls[key], i - 4, i + 1);
  const stacks = samples.map((s, i) => {
    let sum = 0;
    return [0, ...kinds.map(({ key }) => sum += smooth(i, key))];
  });
  // A burst, when a backlog goes at once, would press all the rest flat.
  const most = Math.max(240, ...stacks.map((stack) => stack.at(-1)));
  const view = axes(by_id("rates"), now, linear(Math.min(most, 400)));
  kinds.forEach(({ colour, hatching }, k) => {
    area(view, samples.map((s, i) => [s.t, stacks[i][k], stacks[i][k + 1]]), colour, hatching);
  });
  marks(view, times);
}

function draw() {
  if (samples.length === 0) return;
  const now = samples.at(-1).t;
  const times = samples.flatMap((s) => s.events).filter((e) => e.kind === "user").map((e) => e.t);
  const points = (figure) => samples.map((s) => [s.t, figure(s)]);
  const whole = (value) => [[now - span, value], [now, value]];
  band(by_id("band"), now, pieces(), by_id("rates"));
  draw_rates(now, times);

  const latency = axes(by_id("latency"), now, decades());
  line(latency, whole(samples.at(-1).latency.patience), "text", [2, 3], 1);
  line(latency, points((s) => s.latency.p99), "errors", [6, 3]);
  line(latency, points((s) => s.latency.p50), "accent");
  marks(latency, times);

  const { capacity } = samples.at(-1).bulkhead;
  const waiting = Math.max(...samples.map((s) => s.bulkhead.waiting));
  const bulkhead = axes(by_id("bulkhead"), now, linear(Math.max(capacity + 4, waiting)));
  area(bulkhead, samples.map((s) => [s.t, 0, s.bulkhead.in_use]), "accent");
  line(bulkhead, points((s) => s.bulkhead.waiting), "late", [6, 3]);
  line(bulkhead, whole(capacity), "text", [2, 3], 1);
  marks(bulkhead, times);

  const { all } = samples.at(-1).callers;
  const here = Math.max(...samples.map((s) => s.service.in_service));
  const service = axes(by_id("service"), now, linear(Math.max(all + 12, here)));
  area(service, samples.map((s) => [s.t, 0, s.service.in_service]), "never", "level");
  line(service, points((s) => s.callers.in_flight), "accent");
  line(service, whole(all), "text", [2, 3], 1);
  marks(service, times);
}

let drawing = 0;
function draw_soon() {
  drawing ||= requestAnimationFrame(() => { drawing = 0; draw(); });
}
window.addEventListener("resize", draw_soon);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw_soon);

function tell(event) {
  const item = document.createElement("li");
  const when = document.createElement("time");
  const what = document.createElement("span");
  when.textContent = event.t.toFixed(1) + " s";
  what.className = event.kind;
  what.textContent = event.kind === "user" ? event.text
    : `${event.from} \u2192 ${event.to} (generation ${event.generation})`;
  item.append(when, what);
  by_id("log").prepend(item);
  while (by_id("log").children.length > 100) by_id("log").lastChild.remove();
}

// What the user switches. A sample that was on its way meanwhile must not switch it back.
const inputs = [...document.querySelectorAll("[data-setting]")];
const wanted = {};                               // not yet sent
let sending = false;
let believe_after = 0;

async function post(path, body) {
  let problem = "";
  try {
    const reply = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" },
                                      body: JSON.stringify(body) });
    if (!reply.ok) problem = (await reply.json()).error;
  } catch {
    problem = "The program does not answer.";
  }
  by_id("problem").textContent = problem;
  by_id("problem").hidden = problem === "";
}

async function send() {
  if (sending) return;
  sending = true;
  while (Object.keys(wanted).length > 0) {
    const body = { ...wanted };
    for (const name in wanted) delete wanted[name];
    await post("settings", body);
  }
  sending = false;
  believe_after = performance.now() + 500;
}

function show_value(input) {
  if (input.type === "range") {
    input.previousElementSibling.querySelector("output").textContent = `${input.value} ${input.dataset.unit}`;
  }
}

function show_settings(settings) {
  if (sending || performance.now() < believe_after) return;
  for (const input of inputs) {
    const value = settings[input.dataset.setting];
    if (input.type === "checkbox") input.checked = value; else input.value = value;
    show_value(input);
  }
}

function want(name, value) {
  wanted[name] = value;
  send();
}
for (const input of inputs) {
  input.addEventListener("input", () => {
    show_value(input);
    want(input.dataset.setting, input.type === "checkbox" ? input.checked : Number(input.value));
  });
}
by_id("healthy").addEventListener("click", () => {
  Object.assign(wanted, { hang: false, trickle: false, refuse: false, error_percent: 0, added_latency_ms: 0 });
  send();
});
for (const button of document.querySelectorAll("[data-command]")) {
  button.addEventListener("click", () => post("command", { command: button.dataset.command }));
}

const stream = new EventSource("stream");
function connected(is) {
  by_id("connection").classList.toggle("lost", !is);
  put("connection", is ? "connected" : "no connection: the program has ended, or as many pages watch as may");
}
stream.onopen = () => connected(true);
stream.onerror = () => connected(false);
stream.onmessage = (message) => {
  const s = { ...JSON.parse(message.data), number: Number(message.lastEventId) };
  if (samples.length > 0 && s.number <= samples.at(-1).number) {  // another program on the same port
    samples = [];
    by_id("log").replaceChildren();
  }
  samples.push(s);
  samples = samples.filter((x) => x.t > s.t - span - 1);
  s.events.forEach(tell);
  show_now(s);
  show_settings(s.settings);
  draw_soon();
};
