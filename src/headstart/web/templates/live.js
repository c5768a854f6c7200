// Brings a running study's page up to date every five seconds, without moving the reader.
"use strict";
const place = "[data-live]";
async function look() {
  const answer = await fetch(location.href, { credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector(place);
  if (!answer.ok || !fresh) {
    location.reload(); // it has come to its end
    return;
  }
  document.querySelector(place).replaceWith(document.adoptNode(fresh));
  setTimeout(look, 5000);
}
setTimeout(look, 5000);
