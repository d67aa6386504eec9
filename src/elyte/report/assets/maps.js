// Maps of two variables: colours on a canvas, axes, a colour bar, values where one points.
"use strict";
(() => {
  const source = document.getElementById("maps-data");
  if (!source) return;
  const specs = JSON.parse(source.textContent);
  const HEAT = [[246, 248, 250], [190, 222, 238], [92, 172, 196], [34, 120, 130], [40, 82, 60], [120, 70, 10], [60, 20, 0]];
  const BOTH = [[33, 82, 140], [120, 170, 210], [246, 248, 250], [235, 160, 110], [160, 60, 10]];
  const mix = (stops, t) => {
    const at = Math.min(0.99999, Math.max(0, t)) * (stops.length - 1), k = Math.floor(at);
    return stops[k].map((v, i) => Math.round(v + (stops[k + 1][i] - v) * (at - k)));
  };
  const minus = (text) => String(text).replace(/-/g, "−");
  const short = (v) => minus(v !== 0 && (Math.abs(v) < 1e-2 || Math.abs(v) >= 1e5) ? v.toExponential(1) : Number(v.toPrecision(3)));

  function step(span, count) {
    const raw = span / count, base = 10 ** Math.floor(Math.log10(raw)), ratio = raw / base;
    return base * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
  }
  function ticks(low, high, count) {
    const s = low < -90 && high > 90 ? 90 : low === 0 && high === 180 ? 45 : step(high - low, count), list = [];
    for (let k = Math.ceil(low / s - 1e-9); k * s <= high + 1e-9 * s; k++) list.push(Number((k * s).toPrecision(6)));
    return list;
  }

  class HeatMap {
    constructor(root, spec) {
      Object.assign(this, { root, spec });
      const text = atob(spec.z);
      this.z = Uint8Array.from(text, (c) => c.charCodeAt(0));
      this.canvas = document.createElement("canvas");
      this.canvas.setAttribute("role", "img");
      this.canvas.setAttribute("aria-label", `${spec.name} of ${spec.label}: map over ${spec.x[0]} and ${spec.y[0]}`);
      this.note = document.createElement("p");
      this.note.className = "note caption";
      root.append(this.canvas, this.note);
      this.canvas.addEventListener("pointermove", (event) => this.read(event));
      this.canvas.addEventListener("pointerleave", () => (this.note.textContent = ""));
      this.draw();
      new ResizeObserver(() => root.clientWidth && root.clientWidth !== this.width && this.draw()).observe(root);
    }

    title(axis) { return axis[1] ? `${axis[0]} (${axis[1]})` : axis[0]; }

    draw() {
      const { spec } = this, names = spec.categories;
      this.width = this.root.clientWidth || 440;
      const wide = names.length ? Math.max(...names.map((n) => n.length)) * 6.6 + 10 : 40;
      this.box = { x: wide, y: 22, w: this.width - wide - 74, h: Math.min(300, Math.max(180, 0.6 * this.width)) };
      const height = this.box.y + this.box.h + 44, ratio = Math.max(window.devicePixelRatio || 1, 1.5);
      this.canvas.width = Math.round(this.width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.canvas.style.cssText = `display:block;width:100%;height:${height}px`;
      const c = this.canvas.getContext("2d"), style = getComputedStyle(this.root);
      c.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.cells(c);
      c.font = "12px " + style.fontFamily;
      c.fillStyle = style.getPropertyValue("--muted");
      c.strokeStyle = style.getPropertyValue("--muted");
      names.length ? this.namedAxes(c) : this.axes(c);
      this.bar(c, style);
    }

    cells(c) {
      const { spec, box } = this, [nx, ny] = spec.size, stops = spec.centred ? BOTH : HEAT;
      const image = document.createElement("canvas");
      [image.width, image.height] = [nx, ny];
      const draw = image.getContext("2d"), data = draw.createImageData(nx, ny);
      for (let i = 0; i < nx; i++) for (let j = 0; j < ny; j++) {
        const at = 4 * ((ny - 1 - j) * nx + i);
        data.data.set([...mix(stops, this.z[i * ny + j] / 255), 255], at);
      }
      draw.putImageData(data, 0, 0);
      c.imageSmoothingEnabled = false;
      c.drawImage(image, box.x, box.y, box.w, box.h);
    }

    axes(c) {
      const { spec, box } = this, [, , x0, x1] = spec.x, [, , y0, y1] = spec.y;
      c.strokeRect(box.x, box.y, box.w, box.h);
      c.textAlign = "center";
      for (const t of ticks(x0, x1, Math.max(3, Math.floor(box.w / 70)))) {
        const x = box.x + ((t - x0) / (x1 - x0)) * box.w;
        c.fillText(minus(t), x, box.y + box.h + 17);
        c.fillRect(x - 0.5, box.y + box.h, 1, 4);
      }
      c.textAlign = "right";
      for (const t of ticks(y0, y1, 5)) {
        const y = box.y + box.h - ((t - y0) / (y1 - y0)) * box.h;
        c.fillText(minus(t), box.x - 6, y + 4);
        c.fillRect(box.x - 4, y - 0.5, 4, 1);
      }
      c.fillText(this.title(spec.x), box.x + box.w, box.y + box.h + 36);
      c.textAlign = "left";
      c.fillText(this.title(spec.y), 0, 12);
    }

    namedAxes(c) {
      const { spec, box } = this, names = spec.categories, n = names.length;
      names.forEach((name, k) => {
        c.textAlign = "center";
        const x = box.x + ((k + 0.5) / n) * box.w;
        if (box.w / n > name.length * 6.4) c.fillText(name, x, box.y + box.h + 17);
        else c.fillText(name.split(" ")[0], x, box.y + box.h + 17);
        c.textAlign = "right";
        c.fillText(name, box.x - 6, box.y + box.h - ((k + 0.5) / n) * box.h + 4);
      });
      c.fillText(spec.x[0], box.x + box.w, box.y + box.h + 36);
      c.textAlign = "left";
      c.fillText(spec.y[0], 0, 12);
      c.textAlign = "center";
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
        const level = this.z[i * n + j] / 255, x = box.x + ((i + 0.5) / n) * box.w;
        c.fillStyle = level > 0.35 ? "#fff" : "#1d2126";
        c.fillText(level.toFixed(2), x, box.y + box.h - ((j + 0.5) / n) * box.h + 4);
      }
    }

    bar(c, style) {
      const { spec, box } = this, x = box.x + box.w + 10, stops = spec.centred ? BOTH : HEAT;
      for (let k = 0; k < box.h; k++) {
        c.fillStyle = `rgb(${mix(stops, 1 - k / box.h).join(",")})`;
        c.fillRect(x, box.y + k, 10, 1.2);
      }
      c.fillStyle = style.getPropertyValue("--muted");
      c.textAlign = "left";
      c.fillText(short(spec.high), x + 13, box.y + 9);
      c.fillText(short(spec.low), x + 13, box.y + box.h);
      if (spec.centred) c.fillText("0", x + 13, box.y + box.h / 2 + 4);
    }

    read(event) {
      const { spec, box } = this, area = this.canvas.getBoundingClientRect(), [nx, ny] = spec.size;
      const u = (event.clientX - area.left - box.x) / box.w, v = 1 - (event.clientY - area.top - box.y) / box.h;
      if (u < 0 || u >= 1 || v < 0 || v >= 1) return (this.note.textContent = "");
      const i = Math.floor(u * nx), j = Math.floor(v * ny);
      const value = spec.low + (this.z[i * ny + j] / 255) * (spec.high - spec.low);
      const at = (axis, k, n) => spec.categories.length ? `${axis[0]} ${spec.categories[k]}`
        : `${axis[0]} ${short(axis[2] + ((k + 0.5) / n) * (axis[3] - axis[2]))} ${axis[1]}`.trim();
      this.note.textContent = `${at(spec.x, i, nx)}, ${at(spec.y, j, ny)}: ${short(value)} ${spec.unit}`;
    }
  }

  const maps = [...document.querySelectorAll("[data-map]")].map((root) => new HeatMap(root, specs[root.dataset.map]));
  const redraw = () => maps.forEach((m) => m.draw());
  window.addEventListener("themechange", redraw);
  for (const query of ["(prefers-color-scheme: dark)", "print"]) window.matchMedia(query).addEventListener("change", redraw);
})();
