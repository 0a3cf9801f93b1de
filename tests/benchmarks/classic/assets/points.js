// Points as circle markers; with preferCanvas Leaflet draws them on one canvas.
window.bench = Object.assign({}, window.bench, {
  classic: {
    point: (feature, latlng) => L.circleMarker(latlng, { radius: 4, weight: 1, color: "#e8ecef", fillOpacity: 0.8 }),
  },
});
