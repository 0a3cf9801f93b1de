/* The map's layer on the page's side: two canvases in panes of their own, painted by the worker.
 *
 * dash-leaflet offers no handle of its map; Leaflet's init hook does. A canvas is moved
 * with the map by CSS and repainted for the new view; it takes its new place only when
 * the worker says that view is painted, so that nothing jumps. Contract with live.js:
 * docs/live-protocol.md, last section.
 */
(() => {
  "use strict";

  const MOVE_EVERY_MS = 120; // views sent while the map is being dragged
  const FOLLOW_EVERY_MS = 1000;

  let resting = false, post = null, layer = null;

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // Names and symbols on the map grow with the reader's distance too, but never so that they fill the map.
  const mapRem = (size) => Math.min(rootPx(), Math.max(14, 0.016 * Math.max(size.x, size.y)));
  const rootPx = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

  function palette() {
    const names = { base: "--base", land: "--map-land", cell: "--map-cell", water: "--map-water", waterName: "--map-water-name",
      road: "--map-road", roadName: "--map-road-name", place: "--map-place", townName: "--map-town", estateName: "--map-estate",
      ink: "--map-ink", quiet: "--map-quiet", highest: "--priority-highest", high: "--priority-high",
      medium: "--priority-medium", low: "--priority-low", plan: "--layer-plan", request: "--layer-request", "request-rim": "--layer-request-rim",
      "ramp-none": "--layer-ramp-none", ...Object.fromEntries([1, 2, 3, 4, 5].map((k) => [`ramp-${k}`, `--layer-ramp-${k}`])),
      ...Object.fromEntries([1, 2, 3, 4].map((k) => [`heat-${k}`, `--layer-heat-${k}`])) };
    return Object.fromEntries(Object.entries(names).map(([key, name]) => [key, style(name)]));
  }

  class CityLayer {
    constructor(map, frame) {
      this.map = map;
      this.frame = frame;
      this.id = 0;
      this.views = new Map();
      this.placed = null;
      this.moved = false;
      this.lastView = 0;
      this.lastFollow = 0;
      this.canvases = ["ground", "vehicles"].map((name, index) => {
        const pane = map.createPane(`city-${name}`);
        pane.style.zIndex = index === 0 ? 210 : 450; // above tiles, below controls
        pane.style.pointerEvents = "none";
        const canvas = document.createElement("canvas");
        canvas.className = "city-canvas leaflet-zoom-animated";
        canvas.setAttribute("aria-hidden", "true");
        pane.appendChild(canvas);
        return canvas;
      });
      this.observer = new ResizeObserver(() => this.resized());
      this.observer.observe(map.getContainer());
      this.visibility = () => this.sendView();
      document.addEventListener("visibilitychange", this.visibility);
      map.on({ move: this.moving, moveend: this.sendView, zoomend: this.sendView, zoomanim: this.zooming,
        dragstart: this.touched, unload: this.remove, click: this.clicked }, this);
      map.getContainer().addEventListener("keydown", (event) => this.pressed(event));
      this.fit();
      if (post) this.start();
    }

    start() {
      if (this.started) return;
      this.started = true;
      const [ground, vehicles] = this.canvases.map((canvas) => canvas.transferControlToOffscreen());
      const data = this.frame.dataset;
      post({
        type: "canvas",
        canvas: vehicles,
        options: {
          base: ground,
          basemapUrl: data.basemap,
          fontUrl: data.font,
          symbols: JSON.parse(data.symbols),
          palette: palette(),
          rem: mapRem(this.map.getSize()),
          reducedMotion: matchMedia("(prefers-reduced-motion: reduce)").matches,
        },
      }, [vehicles, ground]);
      this.sendView();
    }

    fit() {
      const [south, west, north, east] = JSON.parse(this.frame.dataset.fit || "[]");
      if (south === undefined) return;
      this.map.fitBounds([[south, west], [north, east]], {
        animate: false,
        paddingTopLeft: [rootPx(), rootPx()],
        // Legend and credit lie over the foot of the map.
        paddingBottomRight: [rootPx(), this.frame.clientHeight > 36 * rootPx() ? 3.4 * rootPx() : rootPx()],
      });
    }

    resized() {
      this.map.invalidateSize({ animate: false, pan: false });
      // A screen nobody has touched shows the whole city again, whatever its new shape.
      if (!this.moved && this.lastFollow === 0) this.fit();
      this.sendView();
    }

    touched() { this.moved = true; }

    // What is there is asked for by layers.js, on screens that say so.
    clicked({ latlng }) {
      if (!window.controlRoomLayers?.wantsPicks()) return;
      const { x, y } = this.map.project(latlng, 18);
      window.controlRoomLayers.picksAt(x, y);
    }

    // By keyboard: arrows and + and - move the map (Leaflet's own), Enter asks what is in its middle, Escape lets go.
    pressed(event) {
      if (event.target !== this.map.getContainer()) return;
      if (event.key === "Enter") this.clicked({ latlng: this.map.getCenter() });
      else if (event.key === "Escape") this.dismiss();
    }

    /** Centres the map there (zoom 18 pixels) and marks it with a ring and a label until somebody dismisses it. */
    show(x, y, zoom, label) {
      this.moved = true;
      this.map.setView(this.map.unproject([x, y], 18), Math.min(18, Math.max(9, zoom ?? this.map.getZoom())), { animate: false });
      this.ring(x, y, label);
    }

    ring(x, y, label) {
      this.dismiss();
      const box = document.createElement("div"), name = box.appendChild(document.createElement("span"));
      box.className = "map-target";
      name.textContent = label ?? "";
      if (this.map.getContainer().closest("[data-basemap]").dataset.static === undefined) {
        const button = box.appendChild(document.createElement("button"));
        button.type = "button";
        button.textContent = "×";
        button.setAttribute("aria-label", `Remove the mark${label ? ` of ${label}` : ""}`);
        button.addEventListener("click", (event) => { event.stopPropagation(); this.dismiss(); this.map.getContainer().focus(); });
      }
      const icon = window.L.divIcon({ className: "map-target-place", html: box, iconSize: [0, 0] });
      this.target = window.L.marker(this.map.unproject([x, y], 18), { icon, keyboard: false, interactive: false, zIndexOffset: 1000 }).addTo(this.map);
    }

    dismiss() {
      if (this.target) this.target.remove();
      this.target = null;
    }

    moving() {
      if (performance.now() - this.lastView > MOVE_EVERY_MS) this.sendView();
    }

    sendView() {
      if (!this.started) return;
      this.lastView = performance.now();
      const origin = this.map.getPixelBounds().min, size = this.map.getSize();
      const view = { id: (this.id += 1), zoom: this.map.getZoom(), originX: origin.x, originY: origin.y, width: size.x, height: size.y,
        dpr: Math.min(3, window.devicePixelRatio || 1), rem: mapRem(size), visible: document.visibilityState !== "hidden" && !resting };
      this.views.set(view.id, view);
      if (this.views.size > 20) this.views.delete(this.views.keys().next().value);
      post({ type: "view", view });
    }

    receive(message) {
      const view = this.views.get(message.view);
      if (view === undefined) return;
      this.placed = view;
      for (const id of this.views.keys()) if (id <= view.id) this.views.delete(id);
      this.place(this.map.getZoom(), this.map.getPixelOrigin());
      // A wall shows its map when this view is the newest there is.
      if (this.views.size === 0) document.dispatchEvent(new CustomEvent("controlroom:drawn"));
    }

    place(zoom, pixelOrigin) {
      const view = this.placed;
      if (view === null) return;
      const scale = this.map.getZoomScale(zoom, view.zoom);
      const at = window.L.point(view.originX, view.originY).multiplyBy(scale).subtract(pixelOrigin);
      for (const canvas of this.canvases) {
        canvas.style.width = `${view.width}px`;
        canvas.style.height = `${view.height}px`;
        window.L.DomUtil.setTransform(canvas, at, scale);
      }
    }

    zooming(event) {
      // As Leaflet's own renderers do it: there is no public way to the origin that is coming.
      this.place(event.zoom, this.map._getNewPixelOrigin(event.center, event.zoom));
    }

    // Web Mercator pixels at zoom 18, as in the frames.
    follow(card) {
      if (!card || !Number.isFinite(card.x) || !Number.isFinite(card.y)) return;
      const now = performance.now();
      if (this.lastFollow !== 0 && now - this.lastFollow < FOLLOW_EVERY_MS) return;
      const place = this.map.unproject([card.x, card.y], 18);
      const point = this.map.latLngToContainerPoint(place), size = this.map.getSize();
      const inside = point.x > size.x / 3 && point.x < (size.x * 2) / 3 && point.y > size.y / 3 && point.y < (size.y * 2) / 3;
      if (inside) return;
      this.lastFollow = now;
      this.map.setView(place, this.map.getZoom(), { animate: false });
    }

    remove() {
      this.observer.disconnect();
      document.removeEventListener("visibilitychange", this.visibility);
      for (const canvas of this.canvases) canvas.remove();
      if (layer === this) layer = null;
    }
  }

  window.controlRoomMap = {
    attach(give) {
      post = give;
      if (layer) layer.start();
    },
    receive(message) { if (layer && message.type === "drawn") layer.receive(message); },
    follow(card) { if (layer) layer.follow(card); },
    map() { return layer ? layer.map : null; },
    show(x, y, zoom, label) { if (layer) layer.show(x, y, zoom, label); },
    ring(x, y, label) { if (layer) layer.ring(x, y, label); },
    dismiss() { if (layer) layer.dismiss(); },
    /** A wall shows another page: nothing is drawn until the map comes again. */
    rest(yes) { resting = yes; if (layer) layer.sendView(); },
  };

  // Read anew: the tokens of the new theme hold as soon as its attribute does.
  document.addEventListener("controlroom:theme", () => { if (layer && layer.started) post({ type: "palette", palette: palette() }); });

  if (!window.L) return; // a page without a map
  window.L.Map.addInitHook(function hook() {
    this.whenReady(() => {
      const frame = this.getContainer().closest("[data-basemap]");
      if (frame === null) return;
      // A wall's root size follows from its width and its farthest seat; see layouts/parts/sight.py.
      if (frame.dataset.rootPx) document.documentElement.style.fontSize = `${frame.dataset.rootPx}px`;
      layer = new CityLayer(this, frame);
      document.dispatchEvent(new CustomEvent("controlroom:map-ready"));
    });
  });
  document.dispatchEvent(new CustomEvent("controlroom:map"));
})();
