// Brings the page to life: chooses a pod, searches, and replaces the parts that have changed. Without it, all is there.
"use strict";
(() => {
  const EVERY_MS = 3000, SLOWEST_MS = 30000, PATIENCE_MS = 15000;
  const byId = (id) => document.getElementById(id);
  const main = byId("main"), query = byId("query"), live = byId("live"), pause = byId("pause"), chosenBar = byId("chosen");
  const parts = (root) => [...root.querySelectorAll("[data-part]")];
  // As the server wrote them: what the script has changed since does not count as news.
  const written = new Map(parts(document).map((part) => [part.id, part.outerHTML]));
  let tag = "", timer = 0, delay = EVERY_MS, paused = false, lostSince = null, said = null, at = -1;
  // Folds that a search, or a choice, has opened: they close again with it.
  const opened = new Set();

  // --- the chosen pod lives in the fragment, as `#pod/NAMESPACE/NAME`, and what is searched in the query, as `?q=`
  const chosenId = () => {
    try {
      const id = decodeURIComponent(location.hash.slice(1));
      return id.startsWith("pod/") ? id : "";
    } catch {
      return "";
    }
  };
  const fragment = (id) => (id ? "#" + encodeURIComponent(id).replaceAll("%2F", "/") : "");
  const remember = (id) => {
    const words = query.value.trim(), asked = words ? "?" + new URLSearchParams({ q: words }) : "";
    history.replaceState(null, "", location.pathname + asked + fragment(id));
  };
  const choose = (id) => { remember(id); draw(); };
  const podsOf = (element) => (element.dataset.p ? element.dataset.p.split(" ") : []);
  const words = () => query.value.toLowerCase().split(/\s+/).filter(Boolean);

  // Only the script can copy, so only with it an id is a button.
  function offer() {
    for (const name of main.querySelectorAll(".id:not([role])")) {
      name.tabIndex = 0;
      name.setAttribute("role", "button");
      name.setAttribute("aria-label", `Copy ${name.textContent}`);
    }
  }
  function draw() {
    offer();
    const id = chosenId(), row = id ? byId(id) : null, wanted = words();
    const found = search(wanted);
    const lights = row ? new Set(podsOf(row)) : wanted.length ? found : new Set();
    main.classList.toggle("picking", Boolean(row) || wanted.length > 0);
    for (const thing of main.querySelectorAll(".t")) {
      const mine = podsOf(thing).some((pod) => lights.has(pod));
      thing.classList.toggle("lit", mine || (!row && wanted.length > 0 && hasAll(titleOf(thing), wanted)));
    }
    for (const chip of main.querySelectorAll("a.chip")) {
      if (row && lights.has(chip.dataset.p)) chip.setAttribute("aria-current", "true");
      else chip.removeAttribute("aria-current");
    }
    for (const body of main.querySelectorAll("tbody")) body.classList.toggle("chosen", body === row);
    unfold(wanted.length ? hits() : []);
    tell(id, row);
  }
  // Rows that are left, and devices and CPUs that are lit up, in the order of the page.
  const hits = () => [...main.querySelectorAll("tbody:not([hidden]), .dev.lit, .slots .lit, .c.lit")];
  function unfold(found) {
    const wanted = new Set(found.map((each) => each.parentElement.closest("details:not([open])")).filter(Boolean));
    for (const id of opened) {
      const fold = byId(id);
      if (!found.some((each) => fold?.contains(each))) { if (fold) fold.open = false; opened.delete(id); }
    }
    for (const fold of wanted) { fold.open = true; opened.add(fold.id); }
  }
  function next(step) {
    const found = words().length ? hits() : [];
    if (!found.length) return;
    at = at < 0 && step < 0 ? found.length - 1 : (at + step + found.length) % found.length;
    for (const each of main.querySelectorAll(".here")) each.classList.remove("here");
    found[at].classList.add("here");
    found[at].scrollIntoView({ block: "center" });
    byId("matches").textContent = `${at + 1} of ${found.length} hits`;
  }
  function search(wanted) {
    const bodies = [...main.querySelectorAll("tbody")], found = new Set();
    for (const body of bodies) {
      const fits = hasAll((body.dataset.name + " " + body.textContent).toLowerCase(), wanted);
      body.hidden = !fits;
      if (fits) found.add(body.dataset.p);
    }
    byId("matches").textContent = wanted.length ? `${found.size} of ${bodies.length} pods` : "";
    return found;
  }
  const hasAll = (text, wanted) => wanted.every((word) => text.includes(word));
  const titleOf = (thing) => (thing.title || "").toLowerCase();

  function tell(id, row) {
    chosenBar.hidden = !id;
    byId("chosen-row").hidden = !row;
    byId("chosen-row").hash = fragment(id);
    byId("copy").hidden = !id;
    byId("chosen-name").textContent = row ? row.dataset.name : id.slice(4);
    byId("chosen-says").textContent = row ? `holds ${row.dataset.says}` : id ? "is not on this node now" : "";
    const now = id ? chosenBar.querySelector("p").textContent : "";
    if (said !== now && (said !== null || id)) say(now);
    said = now;
  }
  function say(text) {
    if (!lostSince) live.textContent = "";
    byId("spoken").textContent = text;
  }

  document.addEventListener("click", (event) => {
    const chip = event.target.closest("a.chip");
    if (chip) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const id = decodeURIComponent(chip.hash.slice(1));
      choose(id === chosenId() ? "" : id);
      return;
    }
    const name = event.target.closest(".id");
    if (name) return copy(name.textContent);
    const thing = event.target.closest(".c[data-p], .dev[data-p], .slots [data-p], .bar [data-p]");
    if (!thing) return;
    const pods = podsOf(thing);
    const row = pods.length === 1 && main.querySelector(`tbody[data-p="${pods[0]}"]`);
    if (row) choose(row.id === chosenId() ? "" : row.id);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && event.target !== query) {
      event.preventDefault();
      query.focus();
      query.select();
    } else if (event.key === "Enter" && event.target === query) {
      event.preventDefault();
      next(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape" && event.target === query && query.value) {
      query.value = "";
      event.preventDefault();
      searched();
    } else if (event.key === "Escape" && chosenId()) {
      choose("");
    } else if (event.target.matches(".id") && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      copy(event.target.textContent);
    } else if (event.key === " " && event.target.matches("a.chip")) {
      event.preventDefault();
      event.target.click();
    }
  });
  function searched() {
    at = -1;
    for (const each of main.querySelectorAll(".here")) each.classList.remove("here");
    remember(chosenId());
    draw();
  }
  query.addEventListener("input", searched);
  byId("copy").addEventListener("click", () => {
    const [, namespace, name] = chosenId().split("/");
    copy(`kubectl describe pod -n ${namespace} ${name}`);
  });
  // Not by navigator.clipboard: browsers have it for https only, and most nodes are looked at over http.
  function copy(text) {
    const field = document.body.appendChild(document.createElement("textarea")), before = document.activeElement;
    field.value = text;
    field.className = "sr";
    field.select();
    const is_copied = document.execCommand("copy");
    field.remove();
    before?.focus({ preventScroll: true });
    live.textContent = is_copied ? `Copied: ${text}` : `The browser copies nothing; this is it: ${text}`;
  }
  byId("clear").addEventListener("click", () => choose(""));
  window.addEventListener("hashchange", draw);

  // --- ages of points in time; those of pods as kubectl writes them
  const AGES = [[120, "s"], [600, "m", "s"], [10800, "m"], [28800, "h", "m"], [172800, "h"], [691200, "d", "h"],
    [63072000, "d"], [252288000, "y", "d"], [Infinity, "y"]];
  const SECONDS = { s: 1, m: 60, h: 3600, d: 86400, y: 31536000 };
  function short(seconds) {
    const [, unit, part] = AGES.find(([limit]) => seconds < limit), rest = seconds % SECONDS[unit];
    const more = part ? Math.floor(rest / SECONDS[part]) : 0;
    return Math.floor(seconds / SECONDS[unit]) + unit + (more ? more + part : "");
  }
  function long(seconds, time) {
    time.title ||= time.textContent;
    const past = seconds < 120 ? `${seconds} s ago` : seconds < 7200 ? `${Math.floor(seconds / 60)} min ago`
      : seconds < 172800 ? `${Math.floor(seconds / 3600)} h ago` : time.title;
    return time.className === "since" && past !== time.title ? `${time.title} (${past})` : past;
  }
  function age() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
      const text = time.className === "age" ? short(seconds) : long(seconds, time);
      if (time.textContent !== text) time.textContent = text;
    }
  }

  // --- news
  async function refresh() {
    const headers = tag ? { "If-None-Match": tag } : {};
    const answer = await fetch(location.pathname, { headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(String(answer.status));
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (next.documentElement.dataset.assets !== document.documentElement.dataset.assets) {
      location.reload();  // another release is running: its page wants its own style and script
      return;
    }
    tag = answer.headers.get("ETag") || "";
    show(next);
  }
  function show(next) {
    const open = new Set([...document.querySelectorAll("details[open][id]")].map((each) => each.id));
    const seen = new Set([...document.querySelectorAll("details[id]")].map((each) => each.id));
    const focus = placeOf(document.activeElement);
    const news = parts(next), now = parts(document);
    if (news.map((part) => part.id).join() !== now.map((part) => part.id).join()) {
      main.replaceChildren(...[...next.getElementById("main").children].map((each) => document.adoptNode(each)));
    }
    for (const part of news) {
      const html = part.outerHTML;
      if (html !== written.get(part.id) && byId(part.id) !== part) byId(part.id)?.replaceWith(document.adoptNode(part));
      written.set(part.id, html);
    }
    for (const each of document.querySelectorAll("details[id]")) if (seen.has(each.id)) each.open = open.has(each.id);
    // Folds that came anew are closed; a search opens those it needs.
    for (const id of opened) if (!seen.has(id)) opened.delete(id);
    if (!document.activeElement || document.activeElement === document.body) focus?.()?.focus({ preventScroll: true });
    document.title = next.title;
    age();
    draw();
  }
  // How to find an element again in a part that has been replaced: by its identifier, or as the nth link to a pod.
  function placeOf(element) {
    const part = element?.closest?.("[data-part]");
    if (!part) return null;
    const id = part.id, selector = element.id ? `#${CSS.escape(element.id)}`
      : element.matches("summary") ? `#${CSS.escape(element.parentNode.id)} > summary`
      : element.matches(".id") ? ".id"
      : element.matches("a.chip") ? `a.chip[href="${CSS.escape(element.getAttribute("href"))}"]` : null;
    if (!selector) return null;
    const nth = [...part.querySelectorAll(selector)].indexOf(element);
    return () => { const found = byId(id)?.querySelectorAll(selector) || []; return found[nth] || found[0]; };
  }
  async function turn() {
    clearTimeout(timer);
    if (paused || document.hidden) return;
    if (selecting()) { timer = setTimeout(turn, EVERY_MS); return; }
    try {
      await refresh();
      if (lostSince) { lostSince = null; live.className = ""; live.textContent = "The exporter answers again."; }
      delay = EVERY_MS;
    } catch {
      lostSince ||= new Date();
      live.className = "lost";
      live.textContent = `The exporter has not answered since ${lostSince.toLocaleTimeString()}; this page is out of date.`;
      delay = Math.min(SLOWEST_MS, delay * 2);
    }
    clearTimeout(timer);
    timer = setTimeout(turn, delay);
  }
  // Text that somebody marks to copy stays as it is meanwhile.
  const selecting = () => { const marked = getSelection(); return !marked.isCollapsed && main.contains(marked.anchorNode); };
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Paused" : "Pause";
    turn();
  });
  document.addEventListener("visibilitychange", turn);

  byId("tools").hidden = false;
  query.value = new URLSearchParams(location.search).get("q") || "";
  age();
  setInterval(age, 1000);
  draw();
  turn();
})();
