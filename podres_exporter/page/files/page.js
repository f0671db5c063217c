// Brings the page to life: chooses a pod, searches, and replaces the parts that have changed. Without it, all is there.
"use strict";
(() => {
  const EVERY_MS = 3000, SLOWEST_MS = 30000, PATIENCE_MS = 15000;
  const byId = (id) => document.getElementById(id);
  const main = byId("main"), query = byId("query"), live = byId("live"), pause = byId("pause"), chosenBar = byId("chosen");
  const parts = (root) => [...root.querySelectorAll("[data-part]")];
  // As the server wrote them: what the script has changed since does not count as news.
  const written = new Map(parts(document).map((part) => [part.id, part.outerHTML]));
  let tag = "", timer = 0, delay = EVERY_MS, paused = false, lostSince = null, said = null;

  // --- the chosen pod lives in the fragment, as `#pod/NAMESPACE/NAME`
  const chosenId = () => {
    try {
      const id = decodeURIComponent(location.hash.slice(1));
      return id.startsWith("pod/") ? id : "";
    } catch {
      return "";
    }
  };
  const choose = (id) => {
    const fragment = id ? "#" + encodeURIComponent(id).replaceAll("%2F", "/") : location.pathname + location.search;
    history.replaceState(null, "", fragment);
    draw();
  };
  const podsOf = (element) => (element.dataset.p ? element.dataset.p.split(" ") : []);
  const words = () => query.value.toLowerCase().split(/\s+/).filter(Boolean);

  function draw() {
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
    tell(id, row);
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
    byId("chosen-row").hash = id ? "#" + encodeURIComponent(id).replaceAll("%2F", "/") : "";
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
    const thing = event.target.closest(".c[data-p], .dev[data-p], .slots [data-p], .bar [data-p]");
    if (!thing) return;
    const pods = podsOf(thing);
    const row = pods.length === 1 && main.querySelector(`tbody[data-p="${pods[0]}"]`);
    if (row) choose(row.id === chosenId() ? "" : row.id);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === query && query.value) {
      query.value = "";
      event.preventDefault();
      draw();
    } else if (event.key === "Escape" && chosenId()) {
      choose("");
    } else if (event.key === " " && event.target.matches("a.chip")) {
      event.preventDefault();
      event.target.click();
    }
  });
  query.addEventListener("input", draw);
  byId("clear").addEventListener("click", () => choose(""));
  window.addEventListener("hashchange", draw);

  // --- ages of points in time
  function age() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      time.title ||= time.textContent;
      const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
      const past = seconds < 120 ? `${seconds} s ago` : seconds < 7200 ? `${Math.floor(seconds / 60)} min ago`
        : seconds < 172800 ? `${Math.floor(seconds / 3600)} h ago` : time.title;
      const text = time.className === "since" && past !== time.title ? `${time.title} (${past})` : past;
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
      live.textContent = `The exporter has not answered since ${lostSince.toLocaleTimeString()}; what stands here is old.`;
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
  age();
  setInterval(age, 1000);
  draw();
  turn();
})();
