// Ball-and-stick view of the box on a plain canvas: turns by mouse, touch or arrow keys.
"use strict";
(() => {
  const root = document.getElementById("viewer");
  if (!root) return;
  const box = JSON.parse(document.getElementById("box-data").textContent);
  const canvas = root.querySelector("canvas"), context = canvas.getContext("2d");
  const note = root.querySelector(".note"), fade = root.querySelector("input");
  const n = box.kind.length, FOG = 8, SPRITE = 64;
  const anyIon = box.ion.some(Boolean);

  // ---------------------------------------------------------------- geometry

  const centre = [0, 0, 0];
  if (box.cell) for (let i = 0; i < 9; i++) centre[i % 3] += box.cell[i] / 2;
  else for (let i = 0; i < 3 * n; i++) centre[i % 3] += box.xyz[i] / n;
  const points = Float64Array.from(box.xyz, (v, i) => v - centre[i % 3]);
  const corners = [];
  if (box.cell)
    for (let c = 0; c < 8; c++)
      corners.push([0, 1, 2].map((k) => [0, 1, 2].reduce((sum, a) => sum + ((c >> a) & 1) * box.cell[3 * a + k], -centre[k])));
  const edges = [];
  for (let c = 0; c < 8; c++) for (let a = 0; a < 3; a++) if (!((c >> a) & 1)) edges.push([c, c | (1 << a)]);
  let reach = 1;
  for (let i = 0; i < n; i++) reach = Math.max(reach, Math.hypot(points[3 * i], points[3 * i + 1], points[3 * i + 2]));
  for (const corner of corners) reach = Math.max(reach, Math.hypot(...corner));

  const start = () => multiply(turn(0, -0.35), turn(1, 0.5));
  let rotation, zoom = 1, size = 0, pending = false, sprites = new Map();
  const view = new Float64Array(3 * n);

  function turn(axis, angle) {
    const c = Math.cos(angle), s = Math.sin(angle);
    return axis === 0 ? [1, 0, 0, 0, c, -s, 0, s, c] : [c, 0, s, 0, 1, 0, -s, 0, c];
  }
  function multiply(a, b) {
    const m = new Array(9).fill(0);
    for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) m[3 * i + j] += a[3 * i + k] * b[3 * k + j];
    return m;
  }
  const apply = (m, x, y, z) => [m[0] * x + m[1] * y + m[2] * z, m[3] * x + m[4] * y + m[5] * z, m[6] * x + m[7] * y + m[8] * z];

  // ---------------------------------------------------------------- colours

  let paper, ink;
  function readTheme() {
    const style = getComputedStyle(root);
    paper = parse(style.getPropertyValue("--paper"));
    ink = style.getPropertyValue("--muted").trim();
    sprites = new Map();
  }
  const parse = (text) => [1, 3, 5].map((i) => parseInt(text.trim().slice(i, i + 2), 16));
  const mix = (a, b, t) => a.map((v, i) => Math.round(v + (b[i] - v) * t));
  const css = (c) => `rgb(${c[0]},${c[1]},${c[2]})`;
  const faded = (i) => anyIon && fade.checked && !box.ion[i];
  const haze = (i, fog) => (anyIon && box.ion[i] ? 0.45 * fog : fog);
  const tint = (i, fog) => mix(mix(parse(box.elements[box.kind[i]].colour), paper, faded(i) ? 0.62 : 0), paper, haze(i, fog));
  const fogLevel = (z) => Math.min(FOG - 1, Math.max(0, Math.floor((0.5 - z / (2 * reach)) * FOG)));
  const fogAmount = (level) => (0.55 * level) / (FOG - 1);

  function sprite(i, level) {
    const key = `${box.kind[i]} ${faded(i)} ${level}`;
    if (sprites.has(key)) return sprites.get(key);
    const image = document.createElement("canvas");
    image.width = image.height = SPRITE;
    const draw = image.getContext("2d"), base = tint(i, fogAmount(level)), half = SPRITE / 2;
    const shade = draw.createRadialGradient(half * 0.7, half * 0.62, half * 0.05, half, half, half);
    shade.addColorStop(0, css(mix(base, [255, 255, 255], 0.55)));
    shade.addColorStop(0.45, css(base));
    shade.addColorStop(1, css(mix(base, [0, 0, 0], 0.35)));
    draw.fillStyle = shade;
    draw.beginPath();
    draw.arc(half, half, half - 1, 0, 2 * Math.PI);
    draw.fill();
    sprites.set(key, image);
    return image;
  }

  const radius = (i) => {
    const r = box.elements[box.kind[i]].radius;
    if (anyIon && box.ion[i] && alone[i]) return 0.62 * r;
    return 0.2 + 0.22 * r;
  };
  const alone = new Array(n).fill(true);
  for (const i of box.bonds) alone[i] = false;

  // ---------------------------------------------------------------- drawing

  function render() {
    pending = false;
    if (!size) return;
    const ratio = canvas.width / size, scale = (zoom * 0.55 * size) / reach;
    context.setTransform(ratio, 0, 0, ratio, (ratio * size) / 2, (canvas.height / 2));
    context.clearRect(-size, -size, 2 * size, 2 * size);
    for (let i = 0; i < n; i++) {
      const q = apply(rotation, points[3 * i], points[3 * i + 1], points[3 * i + 2]);
      view[3 * i] = q[0] * scale;
      view[3 * i + 1] = -q[1] * scale;
      view[3 * i + 2] = q[2];
    }
    const frame = corners.map((c) => apply(rotation, ...c));
    if (frame.length) drawEdges(frame, scale, false);
    const items = [];
    for (let i = 0; i < n; i++) items.push([view[3 * i + 2], i, -1]);
    for (let b = 0; b < box.bonds.length; b += 2) {
      const i = box.bonds[b], j = box.bonds[b + 1];
      items.push([(view[3 * i + 2] + view[3 * j + 2]) / 2, i, j]);
    }
    items.sort((a, b) => a[0] - b[0]);
    context.lineCap = "butt";
    for (const [z, i, j] of items) j < 0 ? drawAtom(i, z, scale) : drawBond(i, j, z, scale);
    if (frame.length) drawEdges(frame, scale, true);
  }

  // The three edges at the corner nearest to the eye go over the atoms, the others under them.
  function drawEdges(frame, scale, front) {
    const nearest = frame.reduce((best, c, i) => (c[2] > frame[best][2] ? i : best), 0);
    context.strokeStyle = ink;
    context.globalAlpha = front ? 0.35 : 0.7;
    context.lineWidth = 1;
    context.beginPath();
    for (const [a, b] of edges) {
      if ((a === nearest || b === nearest) !== front) continue;
      context.moveTo(frame[a][0] * scale, -frame[a][1] * scale);
      context.lineTo(frame[b][0] * scale, -frame[b][1] * scale);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  function drawAtom(i, z, scale) {
    const r = radius(i) * scale;
    context.drawImage(sprite(i, fogLevel(z)), view[3 * i] - r, view[3 * i + 1] - r, 2 * r, 2 * r);
  }

  function drawBond(i, j, z, scale) {
    const fog = fogAmount(fogLevel(z)), x = view[3 * i], y = view[3 * i + 1];
    const mx = (x + view[3 * j]) / 2, my = (y + view[3 * j + 1]) / 2;
    context.lineWidth = Math.max(1.2, (faded(i) ? 0.16 : 0.22) * scale);
    for (const [atom, ax, ay] of [[i, x, y], [j, view[3 * j], view[3 * j + 1]]]) {
      context.strokeStyle = css(mix(tint(atom, fog), [0, 0, 0], 0.12));
      context.beginPath();
      context.moveTo(ax, ay);
      context.lineTo(mx, my);
      context.stroke();
    }
  }

  function redraw() {
    if (!pending) requestAnimationFrame(render);
    pending = true;
  }

  function resize() {
    size = root.querySelector(".canvas").clientWidth;
    const ratio = Math.min(3, Math.max(window.devicePixelRatio || 1, 1.5));
    canvas.width = canvas.height = Math.round(size * ratio);
    render();
  }

  // ---------------------------------------------------------------- hands

  const pointers = new Map();
  let spread = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    spread = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const old = pointers.get(event.pointerId);
    if (!old) return name(event);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (pointers.size === 2) return pinch();
    rotate((event.clientX - old[0]) / 120, (event.clientY - old[1]) / 120);
  });
  for (const kind of ["pointerup", "pointercancel"])
    canvas.addEventListener(kind, (event) => { pointers.delete(event.pointerId); spread = 0; });
  canvas.addEventListener("pointerleave", () => (note.textContent = ""));
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return;
    event.preventDefault();
    magnify(Math.exp(-event.deltaY / 500));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, -0.12], ArrowDown: [0, 0.12] };
    if (moves[event.key]) { event.preventDefault(); rotate(...moves[event.key]); }
    if (event.key === "+") magnify(1.15);
    if (event.key === "-") magnify(1 / 1.15);
  });
  for (const button of root.querySelectorAll("button"))
    button.addEventListener("click", () => {
      if (button.dataset.zoom) magnify(Number(button.dataset.zoom));
      else { rotation = start(); zoom = 1; redraw(); }
    });
  if (fade) fade.addEventListener("change", redraw);

  function rotate(dx, dy) {
    rotation = multiply(multiply(turn(1, dx), turn(0, dy)), rotation);
    redraw();
  }
  function magnify(factor) {
    zoom = Math.min(8, Math.max(0.5, zoom * factor));
    redraw();
  }
  function pinch() {
    const [a, b] = [...pointers.values()], now = Math.hypot(a[0] - b[0], a[1] - b[1]);
    if (spread) magnify(now / spread);
    spread = now;
  }

  function name(event) {
    const area = canvas.getBoundingClientRect(), scale = (zoom * 0.55 * size) / reach;
    const x = event.clientX - area.left - size / 2, y = event.clientY - area.top - size / 2;
    let best = -1;
    for (let i = 0; i < n; i++) {
      if (Math.hypot(view[3 * i] - x, view[3 * i + 1] - y) > Math.max(5, radius(i) * scale)) continue;
      if (best < 0 || view[3 * i + 2] > view[3 * best + 2]) best = i;
    }
    if (best < 0) return (note.textContent = "");
    const molecule = box.molecule[best], of = box.names[molecule];
    note.textContent = `${box.elements[box.kind[best]].symbol}, atom ${best + 1}` + (of ? ` of ${of}` : "") + `, molecule ${molecule + 1}`;
  }

  rotation = start();
  readTheme();
  resize();
  new ResizeObserver(() => root.querySelector(".canvas").clientWidth !== size && resize()).observe(root);
  for (const query of ["(prefers-color-scheme: dark)", "print"])
    window.matchMedia(query).addEventListener("change", () => { readTheme(); render(); });
  window.addEventListener("themechange", () => { readTheme(); render(); });
  window.addEventListener("beforeprint", () => { readTheme(); render(); });
  window.addEventListener("afterprint", () => { readTheme(); render(); });
})();
