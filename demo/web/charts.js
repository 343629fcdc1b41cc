// Drawing: charts of the last minute, the newest at the right, all with the same time axis.
const span = 60;                                 // seconds
const gutter = { left: 52, right: 8, top: 6, bottom: 18 };

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

// A canvas in CSS pixels, sharp on any screen.
function begin(canvas) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = Number(canvas.dataset.height ?? (canvas.dataset.height = canvas.getAttribute("height")));
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = height + "px";
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "12px " + getComputedStyle(document.body).fontFamily;
  return { pen, width, height };
}

// Hatching, so that nothing is told by colour alone. Made anew for each drawing: the theme may change.
function pattern(pen, fill, kind) {
  if (kind === "plain") return fill;
  const tile = new OffscreenCanvas(8, 8);
  const brush = tile.getContext("2d");
  brush.fillStyle = fill;
  brush.fillRect(0, 0, 8, 8);
  brush.strokeStyle = kind.startsWith("dark ") ? "rgb(0 0 0 / 35%)" : "rgb(255 255 255 / 38%)";
  brush.lineWidth = 2;
  brush.beginPath();
  if (kind.endsWith("rising")) for (const x of [-8, 0, 8]) { brush.moveTo(x, 8); brush.lineTo(x + 8, 0); }
  if (kind.endsWith("falling")) for (const x of [-8, 0, 8]) { brush.moveTo(x, 0); brush.lineTo(x + 8, 8); }
  if (kind.endsWith("upright")) { brush.moveTo(4, 0); brush.lineTo(4, 8); }
  if (kind.endsWith("level")) { brush.moveTo(0, 4); brush.lineTo(8, 4); }
  brush.stroke();
  return pen.createPattern(tile, "repeat");
}

// Where things are: x of a time, y of a value, and the frame around them.
function axes(canvas, now, y_axis) {
  const { pen, width, height } = begin(canvas);
  const inner = { left: gutter.left, right: width - gutter.right, top: gutter.top, bottom: height - gutter.bottom };
  const x = (t) => inner.right - (now - t) / span * (inner.right - inner.left);
  const y = (v) => inner.bottom - y_axis.share(v) * (inner.bottom - inner.top);
  pen.strokeStyle = colour("line");
  pen.fillStyle = colour("quiet");
  pen.lineWidth = 1;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const tick of y_axis.ticks) {
    pen.beginPath();
    pen.moveTo(inner.left, Math.round(y(tick.at)) + 0.5);
    pen.lineTo(inner.right, Math.round(y(tick.at)) + 0.5);
    pen.stroke();
    pen.fillText(tick.label, inner.left - 6, y(tick.at));
  }
  pen.textBaseline = "top";
  for (let ago = 0; ago <= span; ago += width < 500 ? 20 : 10) {
    pen.textAlign = ago === 0 ? "right" : "center";
    pen.fillText(ago === 0 ? "now" : "-" + ago + " s", x(now - ago), inner.bottom + 4);
  }
  return { pen, x, y, inner };
}

function linear(most) {
  const rough = most / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const top = Math.ceil(most / step) * step;
  const ticks = [];
  for (let at = 0; at <= top; at += step) ticks.push({ at, label: String(at) });
  return { share: (v) => Math.min(v, top) / top, ticks };
}

// Milliseconds, each decade of the same height.
function decades() {
  const low = -1, high = 4;
  const labels = ["0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s"];
  const ticks = labels.map((label, i) => ({ at: 10 ** (low + i), label }));
  return { share: (v) => Math.min(1, Math.max(0, (Math.log10(v) - low) / (high - low))), ticks };
}

function clipped(view, draw) {
  view.pen.save();
  view.pen.beginPath();
  view.pen.rect(view.inner.left, view.inner.top - 3, view.inner.right - view.inner.left,
                view.inner.bottom - view.inner.top + 3);
  view.pen.clip();
  draw();
  view.pen.restore();
}

// points: [[t, value or null]]
function line(view, points, name, dash = [], width = 2) {
  const { pen, x, y } = view;
  clipped(view, () => {
    pen.strokeStyle = colour(name);
    pen.lineWidth = width;
    pen.lineJoin = "round";
    pen.setLineDash(dash);
    pen.beginPath();
    let down = false;
    for (const [t, value] of points) {
      if (value === null) { down = false; continue; }
      if (down) pen.lineTo(x(t), y(value)); else pen.moveTo(x(t), y(value));
      down = true;
    }
    pen.stroke();
  });
}

// points: [[t, from, to]]
function area(view, points, name, hatching = "plain") {
  if (points.length === 0) return;
  const { pen, x, y } = view;
  clipped(view, () => {
    pen.fillStyle = pattern(pen, colour(name), hatching);
    pen.beginPath();
    for (const [t, , to] of points) pen.lineTo(x(t), y(to));
    for (const [t, from] of points.toReversed()) pen.lineTo(x(t), y(from));
    pen.fill();
  });
}

// Upright lines where the user switched something.
function marks(view, times) {
  const { pen, x, inner } = view;
  clipped(view, () => {
    pen.strokeStyle = colour("text");
    pen.lineWidth = 1;
    pen.setLineDash([2, 3]);
    for (const t of times) {
      pen.beginPath();
      pen.moveTo(Math.round(x(t)) + 0.5, inner.top);
      pen.lineTo(Math.round(x(t)) + 0.5, inner.bottom);
      pen.stroke();
    }
  });
}

// pieces: [{from, to, state}]; those that are long enough have their name on them. Stands above the other chart.
function band(canvas, now, pieces, other) {
  const { pen, height } = begin(canvas);
  const here = canvas.getBoundingClientRect(), below = other.getBoundingClientRect();
  const left = below.left - here.left + gutter.left, right = below.right - here.left - gutter.right;
  const x = (t) => Math.max(left, right - (now - t) / span * (right - left));
  const hatching = { "closed": "plain", "open": "rising", "half-open": "dark upright", "off": "level" };
  pen.textBaseline = "middle";
  pen.textAlign = "center";
  pen.fillStyle = colour("quiet");
  if (left > 160) {
    pen.textAlign = "right";
    pen.fillText("breaker, last minute", left - 8, height / 2 + 1);
    pen.textAlign = "center";
  }
  pen.font = "600 13px " + getComputedStyle(document.body).fontFamily;
  for (const { from, to, state } of pieces) {
    const begins = x(from), ends = x(to);
    pen.fillStyle = pattern(pen, colour(state), hatching[state]);
    pen.fillRect(begins, 0, Math.max(1, ends - begins), height);
    const needed = pen.measureText(state).width + 12;
    if (ends - begins < needed) continue;
    pen.fillStyle = colour(state);
    pen.fillRect((begins + ends - needed) / 2, 4, needed, height - 8);
    pen.fillStyle = state === "half-open" ? "#1a1a1a" : "#fff";
    pen.fillText(state, (begins + ends) / 2, height / 2 + 1);
  }
}
