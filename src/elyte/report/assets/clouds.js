// The density around a molecule: its surface at a chosen level, lit, with the molecule within.
"use strict";
(() => {
  const source = document.getElementById("clouds-data");
  if (!source) return;
  const specs = JSON.parse(source.textContent), root = document.getElementById("clouds");
  const canvas = root.querySelector("canvas"), context = canvas.getContext("2d");
  const choice = root.querySelector("select"), slider = root.querySelector("input"), note = root.querySelector("output");
  const turn = (axis, a) => {
    const c = Math.cos(a), s = Math.sin(a);
    return axis === 0 ? [1, 0, 0, 0, c, -s, 0, s, c] : [c, 0, s, 0, 1, 0, -s, 0, c];
  };
  const multiply = (a, b) => [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => [0, 1, 2].reduce((sum, k) => sum + a[3 * i + k] * b[3 * k + j], 0)));
  const apply = (m, x, y, z) => [m[0] * x + m[1] * y + m[2] * z, m[3] * x + m[4] * y + m[5] * z, m[6] * x + m[7] * y + m[8] * z];
  const start = () => multiply(turn(0, -0.5), turn(1, 0.6));
  let rotation = start(), spec = null, g = null, faces = [], size = 0, zoom = 1, pending = false;

  function choose(k) {
    spec = specs[k];
    g = Uint8Array.from(atob(spec.g), (c) => c.charCodeAt(0));
    slider.value = Math.min(0.8, Math.max(0.3, 2 / spec.high));
    surface();
  }

  // Two triangles for each face between a cell above the level and one below it: a surface of
  // squares, whose light comes from the gradient of the density.
  function surface() {
    const n = spec.n, level = Number(slider.value) * 255, at = (i, j, k) =>
      i < 0 || j < 0 || k < 0 || i >= n || j >= n || k >= n ? 0 : g[(i * n + j) * n + k];
    const place = (i) => spec.start + i * spec.step, half = spec.step / 2;
    faces = [];
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) {
      if (at(i, j, k) < level) continue;
      let shade = null;
      for (const [a, s] of [[0, 1], [0, -1], [1, 1], [1, -1], [2, 1], [2, -1]]) {
        const d = [0, 0, 0];
        d[a] = s;
        if (at(i + d[0], j + d[1], k + d[2]) >= level) continue;
        shade = shade || gradient(at, i, j, k);
        const c = [place(i), place(j), place(k)], b = (a + 1) % 3, e = (a + 2) % 3;
        c[a] += s * half;
        const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([p, q]) => {
          const corner = [...c];
          corner[b] += p * half;
          corner[e] += q * half;
          return corner;
        });
        faces.push({ corners, normal: shade });
      }
    }
    note.textContent = `surface at ${Number((Number(slider.value) * spec.high).toPrecision(2))} times the density of the liquid`;
    redraw();
  }

  function gradient(at, i, j, k) {
    const v = [0, 0, 0];
    for (let a = -2; a <= 2; a++) for (let b = -2; b <= 2; b++) for (let c = -2; c <= 2; c++) {
      const value = at(i + a, j + b, k + c);
      v[0] -= a * value;
      v[1] -= b * value;
      v[2] -= c * value;
    }
    const length = Math.hypot(...v) || 1;
    return v.map((x) => x / length);
  }

  function render() {
    pending = false;
    if (!size || !spec) return;
    // The corners of the grid, √3 times as far as its sides, must turn within the picture: 0.28 < 0.5/√3.
    const ratio = canvas.width / size, style = getComputedStyle(root);
    const scale = (zoom * 0.28 * size) / -spec.start, middle = size / 2;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, size, size);
    const to = (p) => {
      const q = apply(rotation, ...p);
      return [middle + q[0] * scale, middle - q[1] * scale, q[2]];
    };
    const items = [];
    for (const f of faces) {
      const points = f.corners.map(to), normal = apply(rotation, ...f.normal);
      items.push({ z: (points[0][2] + points[2][2]) / 2, points, light: 0.45 + 0.55 * Math.max(0, 0.35 * normal[0] + 0.45 * normal[1] + 0.82 * normal[2]) });
    }
    const atoms = spec.colours.map((_, i) => to(spec.xyz.slice(3 * i, 3 * i + 3)));
    atoms.forEach((p, i) => items.push({ z: p[2], atom: i }));
    for (let b = 0; b < spec.bonds.length; b += 2) {
      const [i, j] = [spec.bonds[b], spec.bonds[b + 1]];
      items.push({ z: (atoms[i][2] + atoms[j][2]) / 2, bond: [i, j] });
    }
    items.sort((a, b) => a.z - b.z);
    const cloud = [1, 3, 5].map((k) => parseInt(style.getPropertyValue("--accent").trim().slice(k, k + 2), 16));
    for (const item of items) {
      if (item.points) face(item, cloud);
      else if (item.bond) bond(atoms, item.bond, scale);
      else atom(atoms[item.atom], item.atom, scale);
    }
  }

  function face(item, colour) {
    const rgb = colour.map((v) => Math.min(255, Math.round(v * item.light + 60 * (item.light - 0.45))));
    context.fillStyle = context.strokeStyle = `rgba(${rgb.join(",")},0.72)`;
    context.lineWidth = 0.4;
    context.beginPath();
    item.points.forEach((p, k) => (k ? context.lineTo(p[0], p[1]) : context.moveTo(p[0], p[1])));
    context.closePath();
    context.fill();
  }

  function bond(atoms, [i, j], scale) {
    const middle = [(atoms[i][0] + atoms[j][0]) / 2, (atoms[i][1] + atoms[j][1]) / 2];
    context.lineWidth = 0.2 * scale;
    for (const k of [i, j]) {
      context.strokeStyle = spec.colours[k];
      context.beginPath();
      context.moveTo(atoms[k][0], atoms[k][1]);
      context.lineTo(...middle);
      context.stroke();
    }
  }

  function atom(p, i, scale) {
    const r = (0.16 + 0.25 * spec.radii[i]) * scale;
    const shade = context.createRadialGradient(p[0] - 0.3 * r, p[1] - 0.35 * r, 0.1 * r, p[0], p[1], r);
    shade.addColorStop(0, "#ffffff");
    shade.addColorStop(0.5, spec.colours[i]);
    shade.addColorStop(1, "#30343a");
    context.fillStyle = shade;
    context.beginPath();
    context.arc(p[0], p[1], r, 0, 2 * Math.PI);
    context.fill();
  }

  function redraw() {
    if (!pending) requestAnimationFrame(render);
    pending = true;
  }
  function resize() {
    size = canvas.parentElement.clientWidth;
    canvas.width = canvas.height = Math.round(size * Math.max(window.devicePixelRatio || 1, 1.5));
    render();
  }
  let last = null;
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); last = [event.clientX, event.clientY]; });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    rotate((event.clientX - last[0]) / 120, (event.clientY - last[1]) / 120);
    last = [event.clientX, event.clientY];
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => (last = null));
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, -0.12], ArrowDown: [0, 0.12] };
    if (!moves[event.key]) return;
    event.preventDefault();
    rotate(...moves[event.key]);
  });
  function rotate(dx, dy) {
    rotation = multiply(multiply(turn(1, dx), turn(0, dy)), rotation);
    redraw();
  }
  choice.addEventListener("change", () => choose(choice.selectedIndex));
  slider.addEventListener("input", surface);
  new ResizeObserver(() => canvas.parentElement.clientWidth !== size && resize()).observe(canvas.parentElement);
  window.addEventListener("themechange", redraw);
  choose(0);
  resize();
})();
