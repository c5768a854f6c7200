"use strict";
// Draws the plots, sorts tables, and opens everything before printing. No network, no library
// but plotly above.
(function () {
  const config = { displayModeBar: false, responsive: true, scrollZoom: false };
  const plots = Array.from(document.querySelectorAll(".plot"));

  for (const plot of plots) {
    const source = document.getElementById(plot.dataset.source);
    const figure = JSON.parse(source.textContent);
    Plotly.newPlot(plot, figure.data, figure.layout, config);
  }

  // A plot that was laid out while hidden has no width; give it one when it is shown.
  for (const details of document.querySelectorAll("details")) {
    details.addEventListener("toggle", function () {
      for (const plot of details.querySelectorAll(".plot")) Plotly.Plots.resize(plot);
    });
  }

  function keyOf(row, column) {
    const cell = row.cells[column];
    const value = cell.dataset.value === undefined ? cell.textContent.trim() : cell.dataset.value;
    const number = Number(value);
    return value !== "" && !Number.isNaN(number) ? number : value;
  }

  function compare(a, b) {
    if (a === b) return 0;
    if (a === "") return 1; // what has no value comes last, whichever way one sorts first
    if (b === "") return -1;
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach(function (head, column) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent.trim();
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = table.tBodies[0];
        const rows = Array.from(body.rows);
        rows.sort(function (one, two) {
          return (up ? 1 : -1) * compare(keyOf(one, column), keyOf(two, column));
        });
        for (const row of rows) body.appendChild(row);
      });
    });
  }

  // Paper: open what is folded, and draw each plot as wide as its place on the sheet.
  const opened = [];
  window.addEventListener("beforeprint", function () {
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true;
      opened.push(details);
    }
    for (const plot of plots) {
      const width = plot.closest(".panels") ? 310 : 640;
      Plotly.relayout(plot, { width: width, autosize: false });
    }
  });
  window.addEventListener("afterprint", function () {
    for (const details of opened.splice(0)) details.open = false;
    for (const plot of plots) Plotly.relayout(plot, { width: null, autosize: true });
  });
  document.documentElement.dataset.ready = String(plots.length);
})();
