// Interactive SVG plots: read values, zoom, hide series, save the data. No library, no network.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const FONT = 12, CHAR = 6.7, COLOURS = 8;
  const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  const superscript = (n) => String(n).replace(/./g, (c) => SUPERSCRIPT[c]);
  const minus = (text) => text.replace(/-/g, "−");
  const isNumber = (v) => v !== null && Number.isFinite(v);
  let counter = 0;

  function node(name, attributes, parent, text) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    if (parent) parent.appendChild(element);
    return element;
  }

  function html(name, className, parent, text) {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    if (parent) parent.appendChild(element);
    return element;
  }

  function format(value) {
    if (!isNumber(value)) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e5)) {
      const exponent = Math.floor(Math.log10(size));
      return minus((value / 10 ** exponent).toPrecision(3)) + " × 10" + superscript(exponent);
    }
    return minus(String(Number(value.toPrecision(4))));
  }

  // ---------------------------------------------------------------- scales and ticks

  function niceStep(span, count) {
    const raw = span / Math.max(1, count);
    const base = 10 ** Math.floor(Math.log10(raw));
    const ratio = raw / base;
    return base * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
  }

  function linearTicks(low, high, count) {
    const step = niceStep(high - low, count), ticks = [];
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) {
      ticks.push({ value: i * step, label: minus((i * step + 0).toFixed(digits)) });
    }
    return ticks;
  }

  function logTicks(low, high, count) {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
    const ticks = [], decades = Math.log10(high / low);
    const every = Math.max(1, Math.ceil(decades / Math.max(2, count)));
    for (let e = first; e <= last; e++) {
      for (let m = 1; m < 10; m++) {
        const value = m * 10 ** e;
        if (value < low * 0.9999 || value > high * 1.0001) continue;
        const labelled = m === 1 ? e % every === 0 : decades < 1.5 && (m === 2 || m === 5);
        const plain = e >= -2 && e <= 3;
        const text = plain ? String(Number(value.toPrecision(1))) : (m === 1 ? "" : m + " × ") + "10" + superscript(e);
        ticks.push({ value, label: labelled ? text : "", minor: m !== 1 });
      }
    }
    return ticks;
  }

  function makeScale(domain, range, log) {
    const forward = log ? Math.log10 : (v) => v, backward = log ? (v) => 10 ** v : (v) => v;
    const [a, b] = domain.map(forward), [p, q] = range;
    const scale = (v) => p + ((forward(v) - a) / (b - a)) * (q - p);
    scale.invert = (pixel) => backward(a + ((pixel - p) / (q - p)) * (b - a));
    scale.ticks = (count) => (log ? logTicks : linearTicks)(domain[0], domain[1], count);
    scale.domain = domain;
    return scale;
  }

  function extent(values, log) {
    let low = Infinity, high = -Infinity;
    for (const v of values) {
      if (!isNumber(v) || (log && v <= 0)) continue;
      if (v < low) low = v;
      if (v > high) high = v;
    }
    return low <= high ? [low, high] : log ? [0.1, 1] : [0, 1];
  }

  function padded([low, high], log, fraction) {
    if (log) {
      const pad = low === high ? 2 : (high / low) ** fraction;
      return [low / pad, high * pad];
    }
    const pad = low === high ? Math.abs(low) * 0.05 || 0.5 : (high - low) * fraction;
    return [low - pad, high + pad];
  }

  // ---------------------------------------------------------------- one figure

  class Plot {
    constructor(root, spec) {
      this.root = root;
      this.spec = spec;
      this.off = new Set();
      this.zoom = spec.panels.map(() => null);
      this.id = "plot" + counter++;
      this.buildLegend();
      this.stage = html("div", "stage", root);
      this.stage.tabIndex = 0;
      this.stage.setAttribute("role", "img");
      this.stage.setAttribute("aria-label", spec.description);
      this.readout = html("div", "readout", this.stage);
      this.readout.setAttribute("role", "status");
      this.readout.hidden = true;
      this.buildTools();
      this.listen();
      this.draw();
      new ResizeObserver(() => this.width() !== this.drawnWidth && this.draw()).observe(root);
    }

    labels() {
      const seen = new Map();
      for (const panel of this.spec.panels)
        for (const s of panel.series) if (s.label && !seen.has(s.label)) seen.set(s.label, s);
      return seen;
    }

    buildLegend() {
      const labels = this.labels();
      if (labels.size < 2) return;
      const legend = html("div", "legend", this.root);
      for (const [label, series] of labels) {
        const button = html("button", "", legend);
        button.type = "button";
        button.setAttribute("aria-pressed", "true");
        button.title = "Show or hide " + label;
        const box = node("svg", { width: 22, height: 10, "aria-hidden": "true" });
        const colour = this.colour(series);
        if (series.kind === "bars") node("rect", { x: 4, y: 0, width: 12, height: 10, fill: colour }, box);
        else if (series.kind === "dots") node("circle", { cx: 11, cy: 5, r: 4, fill: colour }, box);
        else node("path", { d: "M1 5H21", stroke: colour, "stroke-width": 2.4, "stroke-dasharray": this.dash(series) }, box);
        button.append(box, label);
        button.addEventListener("click", () => {
          const hide = !this.off.has(label);
          hide ? this.off.add(label) : this.off.delete(label);
          button.setAttribute("aria-pressed", String(!hide));
          this.draw();
        });
      }
    }

    buildTools() {
      const tools = html("div", "tools", this.root);
      this.resetButton = html("button", "reset", tools, "Reset zoom");
      this.resetButton.hidden = true;
      this.resetButton.addEventListener("click", () => this.reset());
      const save = html("button", "", tools, "CSV");
      save.title = "Save the data of this figure";
      save.addEventListener("click", () => this.saveCsv());
      for (const button of tools.children) button.type = "button";
    }

    colour(series) { return series.grey ? "var(--muted)" : `var(--c${series.colour % COLOURS})`; }
    dash(series) { return series.grey ? "5 4" : ["none", "7 3", "2 3"][Math.floor(series.colour / 4) % 3]; }
    width() { return this.root.clientWidth || 0; }
    visible(panel) { return panel.series.filter((s) => !this.off.has(s.label)); }

    // ------------------------------------------------------------ geometry

    domains(panel, index) {
      const series = this.visible(panel), bars = panel.categories;
      let x = bars ? [-0.5, bars.length - 0.5] : extent(series.flatMap((s) => s.x), panel.x.log);
      const zoom = this.zoom[index], ys = [];
      const seen = (v) => bars || !zoom || !zoom.x || (v >= zoom.x[0] && v <= zoom.x[1]);
      for (const s of series)
        s.y.forEach((v, i) => {
          if (!isNumber(v) || !seen(s.x[i])) return;
          const e = s.error && isNumber(s.error[i]) ? s.error[i] : 0;
          ys.push(v + e, panel.y.log && v - e <= 0 ? v : v - e);
        });
      if (panel.stacked) ys.push(...this.stackTotals(panel));
      let y = extent(ys, panel.y.log);
      for (const line of panel.lines || []) if (line.include) y = [Math.min(y[0], line.y), Math.max(y[1], line.y)];
      if (panel.square) x = y = padded([Math.min(x[0], y[0]), Math.max(x[1], y[1])], false, 0.04);
      else {
        if (!bars) x = padded(x, panel.x.log, panel.x.tight ? 0 : 0.03);
        const zero = panel.y.zero && !panel.y.log && !series.some((s) => s.y.some((v) => v < 0));
        y = padded(y, panel.y.log, 0.06);
        if (zero) y[0] = 0;
      }
      return zoom ? { x: zoom.x || x, y: zoom.y || y } : { x, y };
    }

    stackTotals(panel) {
      return panel.categories.map((_, i) => this.visible(panel).reduce((sum, s) => sum + (s.y[i] || 0), 0));
    }

    factor(domain, log) {
      const size = Math.max(Math.abs(domain[0]), Math.abs(domain[1]));
      if (log || size === 0 || (size >= 1e-2 && size < 1e5)) return 0;
      return Math.floor(Math.log10(size));
    }

    axisTitle(axis, exponent) {
      const unit = [exponent ? "10" + superscript(exponent) : "", axis.unit].filter(Boolean).join(" ");
      return unit ? `${axis.name} (${unit})` : axis.name;
    }

    layout(width) {
      const narrow = width < 430;
      let top = 0;
      this.panels = this.spec.panels.map((panel, index) => {
        const domain = this.domains(panel, index);
        const exponent = this.factor(domain.y, panel.y.log);
        const scaled = domain.y.map((v) => v / 10 ** exponent);
        const last = index === this.spec.panels.length - 1 || !this.spec.shared;
        const height = panel.square ? Math.min(width - 60, 400) : panel.height || (narrow ? 190 : 220);
        return { panel, index, domain, exponent, scaled, last, height };
      });
      const tickWidth = Math.max(...this.panels.map((p) => {
        const ticks = makeScale(p.scaled, [p.height, 0], p.panel.y.log).ticks(5);
        return Math.max(0, ...ticks.map((t) => t.label.length * CHAR));
      }));
      for (const p of this.panels) {
        p.left = Math.ceil(tickWidth) + 12;
        p.w = Math.max(60, width - p.left - 10);
        if (p.panel.square) p.w = p.height = Math.min(p.w, p.height);
        p.top = top + 24;
        p.bottom = p.top + p.height;
        const names = p.panel.categories || [], widest = Math.max(0, ...names.map((n) => n.length)) * CHAR;
        p.slant = names.length > 0 && widest + 8 > p.w / names.length;
        top = p.bottom + (p.slant ? 34 + 0.58 * widest : p.last ? 42 : 14);
        p.sx = makeScale(p.domain.x, [p.left, p.left + p.w], p.panel.x.log);
        p.sy = makeScale(p.domain.y, [p.bottom, p.top], p.panel.y.log);
        p.tickY = makeScale(p.scaled, [p.bottom, p.top], p.panel.y.log);
      }
      return top;
    }

    // ------------------------------------------------------------ drawing

    draw() {
      const width = this.width() || 520;
      this.drawnWidth = this.width();
      const height = this.layout(width);
      if (this.svg) this.svg.remove();
      this.svg = node("svg", { viewBox: `0 0 ${width} ${height}`, width: "100%", "font-size": FONT, "aria-hidden": "true" });
      this.stage.prepend(this.svg);
      for (const p of this.panels) this.drawPanel(p);
      this.cross = node("g", { class: "cross", visibility: "hidden" }, this.svg);
      this.selection = node("rect", { class: "selection", visibility: "hidden" }, this.svg);
      this.resetButton.hidden = this.zoom.every((z) => !z);
      this.hideReadout();
    }

    drawPanel(p) {
      const { panel } = p, g = node("g", {}, this.svg), clip = `${this.id}-${p.index}`;
      const area = { x: p.left, y: p.top, width: p.w, height: p.height };
      node("rect", area, node("clipPath", { id: clip }, g));
      this.drawAxes(p, g);
      const inside = node("g", { "clip-path": `url(#${clip})` }, g);
      for (const [a, b] of panel.windows || []) {
        const x = Math.max(p.left, p.sx(a)), right = Math.min(p.left + p.w, p.sx(b));
        if (right > x) node("rect", { class: "window", x, y: p.top, width: right - x, height: p.height }, inside);
      }
      if (panel.square) node("path", { class: "guide", d: `M${p.sx(p.domain.x[0])} ${p.sy(p.domain.x[0])}L${p.sx(p.domain.x[1])} ${p.sy(p.domain.x[1])}` }, inside);
      for (const line of panel.lines || []) this.drawLine(p, line, inside);
      if (panel.categories) this.drawBars(p, inside);
      else this.visible(panel).forEach((s) => this.drawSeries(p, s, inside));
    }

    drawLine(p, line, parent) {
      const y = p.sy(line.y);
      node("path", { class: "guide", d: `M${p.left} ${y}H${p.left + p.w}` }, parent);
      if (line.label) node("text", { x: p.left + 4, y: y - 4, class: "muted" }, parent, line.label);
    }

    drawAxes(p, g) {
      const { panel } = p, right = p.left + p.w;
      for (const tick of p.tickY.ticks(5)) {
        const y = p.tickY(tick.value);
        node("path", { class: tick.minor ? "grid minor" : "grid", d: `M${p.left} ${y}H${right}` }, g);
        if (tick.label) node("text", { x: p.left - 6, y: y + 4, "text-anchor": "end" }, g, tick.label);
      }
      node("text", { x: 0, y: p.top - 10, class: "title" }, g, this.axisTitle(panel.y, p.exponent));
      node("path", { class: "axis", d: `M${p.left} ${p.bottom}H${right}` }, g);
      if (panel.categories) return this.drawCategories(p, g);
      for (const tick of p.sx.ticks(panel.square ? 5 : Math.max(4, Math.floor(p.w / 62)))) {
        const x = p.sx(tick.value);
        if (panel.x.integer && tick.value % 1) continue;
        node("path", { class: "axis", d: `M${x} ${p.bottom}v${tick.minor ? 3 : 5}` }, g);
        if (tick.label && p.last) node("text", { x, y: p.bottom + 18, "text-anchor": "middle" }, g, tick.label);
      }
      if (p.last) node("text", { x: right, y: p.bottom + 36, "text-anchor": "end", class: "title" }, g, this.axisTitle(panel.x, 0));
    }

    drawCategories(p, g) {
      const names = p.panel.categories;
      names.forEach((name, i) => {
        const x = p.sx(i), y = p.bottom + (p.slant ? 14 : 18);
        const place = p.slant ? { x: x + 4, y, "text-anchor": "end", transform: `rotate(-35 ${x + 4} ${y})` } : { x, y, "text-anchor": "middle" };
        node("text", place, g, name);
      });
      const foot = p.bottom + (p.slant ? 30 + 0.58 * Math.max(...names.map((n) => n.length)) * CHAR : 36);
      if (p.panel.x.name) node("text", { x: p.left + p.w, y: foot, "text-anchor": "end", class: "title" }, g, this.axisTitle(p.panel.x, 0));
    }

    drawBars(p, parent) {
      const series = this.visible(p.panel), stacked = p.panel.stacked;
      const slot = (p.w / p.panel.categories.length) * 0.7;
      const width = Math.min(stacked ? slot : slot / Math.max(1, series.length), 46);
      const base = new Array(p.panel.categories.length).fill(0);
      series.forEach((s, k) => s.y.forEach((v, i) => {
        if (!isNumber(v)) return;
        const centre = p.sx(i) + (stacked ? 0 : (k - (series.length - 1) / 2) * width);
        const foot = stacked ? base[i] : Math.max(0, p.domain.y[0]), top = p.sy(foot + v), bottom = p.sy(foot);
        node("rect", { x: centre - width / 2 + 0.5, y: Math.min(top, bottom), width: Math.max(1, width - 1), height: Math.abs(bottom - top), fill: this.colour(s) }, parent);
        base[i] += stacked ? v : 0;
        if (s.error && isNumber(s.error[i])) this.whisker(p, centre, v, s.error[i], parent, "var(--ink)");
      }));
    }

    whisker(p, x, v, e, parent, colour) {
      const low = p.panel.y.log && v - e <= 0 ? p.bottom : p.sy(v - e), high = p.sy(v + e);
      node("path", { d: `M${x} ${low}V${high}M${x - 3} ${low}h6M${x - 3} ${high}h6`, stroke: colour, fill: "none", "stroke-width": 1.2 }, parent);
    }

    points(p, s) {
      return s.x.map((x, i) => {
        const bad = !isNumber(x) || !isNumber(s.y[i]) || (p.panel.x.log && x <= 0) || (p.panel.y.log && s.y[i] <= 0);
        return bad ? null : [p.sx(x), p.sy(s.y[i])];
      });
    }

    drawSeries(p, s, parent) {
      const points = this.points(p, s), colour = this.colour(s);
      if (s.kind === "dots") {
        const d = points.filter(Boolean).map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join("");
        const size = p.panel.series.reduce((sum, other) => sum + other.x.length, 0) < 300 ? 6 : 3.2;
        node("path", { d, class: "dots", stroke: colour, "stroke-width": size, "data-series": s.label }, parent);
        return;
      }
      if (s.error && s.kind === "line") this.drawErrorBand(p, s, colour, parent);
      const d = points.map((q, i) => (q ? `${points[i - 1] ? "L" : "M"}${q[0].toFixed(1)} ${q[1].toFixed(1)}` : "")).join("");
      node("path", { d, class: "line", stroke: colour, "stroke-dasharray": this.dash(s), "data-series": s.label }, parent);
      if (s.kind !== "points") return;
      points.forEach((q, i) => {
        if (!q) return;
        if (s.error && isNumber(s.error[i])) this.whisker(p, q[0], s.y[i], s.error[i], parent, colour);
        node("circle", { cx: q[0], cy: q[1], r: 3.6, fill: colour }, parent);
      });
    }

    drawErrorBand(p, s, colour, parent) {
      const upper = [], lower = [], log = p.panel.y.log;
      s.x.forEach((x, i) => {
        const v = s.y[i], e = s.error[i];
        if (!isNumber(v) || !isNumber(e) || (p.panel.x.log && x <= 0) || (log && v <= 0)) return;
        upper.push(`${p.sx(x).toFixed(1)} ${p.sy(v + e).toFixed(1)}`);
        lower.unshift(`${p.sx(x).toFixed(1)} ${(log && v - e <= 0 ? p.bottom : p.sy(v - e)).toFixed(1)}`);
      });
      if (upper.length > 1) node("path", { d: `M${upper.concat(lower).join("L")}Z`, fill: colour, opacity: 0.2 }, parent);
    }

    // ------------------------------------------------------------ reading and zooming

    listen() {
      let start = null;
      const place = (event) => {
        const box = this.svg.getBoundingClientRect(), scale = this.svg.viewBox.baseVal.width / box.width;
        return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      };
      const at = ([x, y]) => this.panels.find((p) => y >= p.top - 8 && y <= p.bottom + 8 && x >= p.left - 4 && x <= p.left + p.w + 4);
      this.stage.addEventListener("pointerdown", (event) => {
        const point = place(event), panel = at(point);
        if (!panel) return;
        if (event.pointerType === "mouse" && event.button === 0 && !panel.panel.categories) {
          start = { point, panel };
          this.stage.setPointerCapture(event.pointerId);
        }
        this.read(panel, point);
      });
      this.stage.addEventListener("pointermove", (event) => {
        const point = place(event);
        if (start) return this.drawSelection(start, point);
        const panel = at(point);
        panel ? this.read(panel, point) : this.hideReadout();
      });
      this.stage.addEventListener("pointerup", (event) => {
        if (start) this.applyZoom(start, place(event));
        start = null;
      });
      this.stage.addEventListener("pointercancel", () => { start = null; this.hideReadout(); });
      this.stage.addEventListener("pointerleave", () => this.hideReadout());
      this.stage.addEventListener("dblclick", () => this.reset());
      this.stage.addEventListener("keydown", (event) => this.key(event));
      this.stage.addEventListener("blur", () => this.hideReadout());
    }

    region({ point: a, panel: p }, b) {
      const clampX = (v) => Math.min(p.left + p.w, Math.max(p.left, v)), clampY = (v) => Math.min(p.bottom, Math.max(p.top, v));
      const x = [clampX(a[0]), clampX(b[0])].sort((m, n) => m - n);
      const flat = Math.abs(a[1] - b[1]) < 14 && !p.panel.square;
      const y = flat ? [p.top, p.bottom] : [clampY(a[1]), clampY(b[1])].sort((m, n) => m - n);
      return { x, y, flat, size: Math.max(x[1] - x[0], flat ? 0 : y[1] - y[0]) };
    }

    drawSelection(start, point) {
      const { x, y } = this.region(start, point);
      this.hideReadout();
      const box = { x: x[0], y: y[0], width: x[1] - x[0], height: y[1] - y[0], visibility: "visible" };
      for (const key in box) this.selection.setAttribute(key, box[key]);
    }

    applyZoom(start, point) {
      const { x, y, flat, size } = this.region(start, point), p = start.panel;
      this.selection.setAttribute("visibility", "hidden");
      if (size < 8 || x[1] - x[0] < 3) return;
      const range = x.map(p.sx.invert);
      this.zoom = this.zoom.map((old, i) => {
        if (i === p.index) return { x: range, y: flat ? old && old.y : [p.sy.invert(y[1]), p.sy.invert(y[0])] };
        return this.spec.shared ? { x: range, y: old && old.y } : old;
      });
      this.draw();
    }

    reset() {
      this.zoom = this.zoom.map(() => null);
      this.draw();
    }

    key(event) {
      const p = this.panels[0], s = this.visible(p.panel)[0];
      if (!s) return;
      const n = s.y.length, step = { ArrowRight: 1, ArrowLeft: -1, PageDown: Math.ceil(n / 10), PageUp: -Math.ceil(n / 10) }[event.key];
      if (event.key === "Escape") this.hideReadout();
      if (!step) return;
      event.preventDefault();
      this.cursor = Math.min(n - 1, Math.max(0, (this.cursor ?? -1) + step));
      const x = p.panel.categories ? this.cursor : s.x[this.cursor];
      this.read(p, [p.sx(x), p.sy(s.y[this.cursor] ?? p.domain.y[0])]);
    }

    read(p, [px, py]) {
      const series = this.visible(p.panel);
      const rows = p.panel.square || (series[0] && series[0].kind === "dots") ? this.nearestDot(p, series, px, py) : this.valuesAt(p, series, px);
      if (!rows || !rows.items.length) return this.hideReadout();
      this.showCross(p, rows);
      this.readout.replaceChildren();
      html("div", "at", this.readout, rows.heading);
      for (const item of rows.items) {
        const line = html("div", "", this.readout);
        html("i", "", line).style.background = this.colour(item.series);
        if (item.series.label) html("span", "", line, item.series.label);
        html("b", "", line, item.text);
      }
      this.readout.hidden = false;
      const box = this.stage.getBoundingClientRect(), scale = box.width / this.svg.viewBox.baseVal.width;
      const x = rows.px * scale, w = this.readout.offsetWidth;
      this.readout.style.left = `${Math.max(0, x + 14 + w > box.width ? x - w - 14 : x + 14)}px`;
      this.readout.style.top = `${p.top * scale + 4}px`;
    }

    text(s, i, unit) {
      const e = s.error && isNumber(s.error[i]) ? ` ± ${format(s.error[i])}` : "";
      return `${format(s.y[i])}${e}${unit ? " " + unit : ""}`;
    }

    valuesAt(p, series, px) {
      const { panel } = p, items = [];
      if (panel.categories) {
        const i = Math.max(0, Math.min(panel.categories.length - 1, Math.round(p.sx.invert(px))));
        for (const s of series) if (isNumber(s.y[i])) items.push({ series: s, text: this.text(s, i, panel.y.unit) });
        const name = panel.x.name ? `${panel.x.name} ${panel.categories[i]}` : panel.categories[i];
        return { px: p.sx(i), heading: name, items };
      }
      let best = null;
      for (const s of series) {
        const i = this.nearestIndex(p, s, px);
        if (i < 0) continue;
        items.push({ series: s, text: this.text(s, i, panel.y.unit), point: [p.sx(s.x[i]), p.sy(s.y[i])] });
        if (!best || Math.abs(p.sx(s.x[i]) - px) < Math.abs(p.sx(best) - px)) best = s.x[i];
      }
      if (best === null) return null;
      return { px: p.sx(best), heading: `${panel.x.name} ${format(best)} ${panel.x.unit}`, items };
    }

    nearestIndex(p, s, px) {
      let best = -1, distance = Infinity;
      for (let i = 0; i < s.x.length; i++) {
        if (!isNumber(s.y[i]) || (p.panel.x.log && s.x[i] <= 0) || (p.panel.y.log && s.y[i] <= 0)) continue;
        const d = Math.abs(p.sx(s.x[i]) - px);
        if (d < distance) [best, distance] = [i, d];
      }
      return best;
    }

    nearestDot(p, series, px, py) {
      let best = null, distance = 24 ** 2;
      for (const s of series)
        for (let i = 0; i < s.x.length; i++) {
          const x = p.sx(s.x[i]), y = p.sy(s.y[i]), d = (x - px) ** 2 + (y - py) ** 2;
          if (d < distance) [best, distance] = [{ s, i, x, y }, d];
        }
      if (!best) return null;
      const { s, i, x, y } = best, unit = p.panel.y.unit;
      const items = [{ series: s, text: `${format(s.y[i])} ${unit}`, point: [x, y] }];
      return { px: x, heading: `${p.panel.x.name} ${format(s.x[i])} ${unit}`, items };
    }

    showCross(p, rows) {
      this.cross.replaceChildren();
      this.cross.setAttribute("visibility", "visible");
      if (!p.panel.square)
        for (const q of this.spec.shared ? this.panels : [p]) node("path", { d: `M${rows.px} ${q.top}V${q.bottom}` }, this.cross);
      for (const item of rows.items)
        if (item.point && item.point[1] >= p.top && item.point[1] <= p.bottom)
          node("circle", { cx: item.point[0], cy: item.point[1], r: 4, fill: this.colour(item.series) }, this.cross);
    }

    hideReadout() {
      this.readout.hidden = true;
      if (this.cross) this.cross.setAttribute("visibility", "hidden");
    }

    // ------------------------------------------------------------ data

    saveCsv() {
      const rows = [["panel", "series", "x", "x_unit", "y", "y_error", "y_unit"]];
      for (const panel of this.spec.panels)
        for (const s of panel.series)
          s.y.forEach((y, i) => rows.push([panel.y.name, s.label, panel.categories ? panel.categories[i] : s.x[i], panel.x.unit, y, s.error ? s.error[i] : "", panel.y.unit]));
      const quote = (v) => (/[",\n]/.test(v) ? `"${String(v).replace(/"/g, '""')}"` : v ?? "");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([rows.map((r) => r.map(quote).join(",")).join("\n")], { type: "text/csv" }));
      link.download = `${this.spec.file}.csv`;
      link.click();
      URL.revokeObjectURL(link.href);
    }
  }

  // ---------------------------------------------------------------- the page

  const specs = JSON.parse(document.getElementById("figures-data").textContent);
  const plots = [...document.querySelectorAll(".plot")].map((root) => new Plot(root, specs[root.dataset.figure]));

  function chooseTemperature(value) {
    for (const button of document.querySelectorAll(".tabs button"))
      button.setAttribute("aria-pressed", String(button.dataset.temperature === value));
    for (const figure of document.querySelectorAll("[data-at]"))
      figure.classList.toggle("away", figure.dataset.at !== value);
    for (const plot of plots) if (plot.width() && plot.width() !== plot.drawnWidth) plot.draw();
  }
  for (const button of document.querySelectorAll(".tabs button"))
    button.addEventListener("click", () => {
      const before = button.getBoundingClientRect().top;
      chooseTemperature(button.dataset.temperature);
      window.scrollBy(0, button.getBoundingClientRect().top - before);
    });

  const opened = [];
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true;
      opened.push(details);
    }
  });
  window.addEventListener("afterprint", () => opened.splice(0).forEach((details) => (details.open = false)));
})();
