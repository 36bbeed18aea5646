// What the desk's pages do beyond plain links and forms. Every decision works without this file.
"use strict";

// Times in the reader's zone, with UTC on hover.
const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const localise = (root) => {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = time.textContent.trim();
    time.textContent = zone.format(moment);
  }
};
localise(document);
for (const place of document.querySelectorAll("[data-zone]")) {
  place.textContent = `Times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
}

const move = (by) => {
  const rows = [...document.querySelectorAll("a.row")];
  const next = Math.min(Math.max(rows.indexOf(document.activeElement) + by, 0), rows.length - 1);
  rows[next]?.focus();
};
const open = (id) => {
  const details = document.getElementById(id);
  if (!details) return;
  details.open = true;
  details.querySelector("textarea, input:not([type=hidden]), button")?.focus();
};
const keys = document.getElementById("keys");
const actions = {
  j: () => move(1),
  k: () => move(-1),
  a: () => document.getElementById("approve")?.focus(),
  r: () => open("reject"),
  e: () => open("escalate"),
  q: () => open("ask"),
  x: () => document.activeElement.closest("li.pick")?.querySelector("input").click(),
  t: () => document.getElementById("take")?.focus(),
  "/": () => document.getElementById("search")?.focus(),
  "?": () => { if (keys) keys.hidden = !keys.hidden; },
  Escape: () => {
    if (keys) keys.hidden = true;
    for (const details of document.querySelectorAll(".decide > details[open]")) {
      details.open = false;
      details.querySelector("summary").focus();
    }
  },
};
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox";
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== "Escape")) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

// When something happens, the page is loaded again in place. A page on which somebody is writing or
// has opened something is left alone and says that it is old.
const isInUse = (part) =>
  part.querySelector("details[open]") ||
  [...part.querySelectorAll("input:not([type=hidden]), textarea")].some((field) =>
    field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
const refresh = async () => {
  const answer = await fetch(location.href, { redirect: "manual" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    localise(next);
    if (next.innerHTML === part.innerHTML) continue;
    if (isInUse(part)) {
      document.getElementById("news").hidden = false;
      continue;
    }
    const focused = document.activeElement.getAttribute("href");
    const at = part.contains(document.activeElement) && focused;
    part.replaceChildren(...next.childNodes);
    if (at) part.querySelector(`a[href="${CSS.escape(at)}"]`)?.focus();
  }
};
if (document.getElementById("live")) {
  let running = null;
  const source = new EventSource("/admin/events");
  // Also after opening: something may have happened since the page was made, or while it was offline.
  source.onopen = source.onmessage = () => {
    running ??= refresh().catch(() => {}).finally(() => { running = null; });
  };
}

// A form is sent once, however often its button is pressed. Decisions are idempotent anyway.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("button")) {
    if (button !== event.submitter) button.disabled = true;
  }
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
