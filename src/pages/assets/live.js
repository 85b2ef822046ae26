// Follows what is on the page: where something changes, the page is fetched again and its content replaced. Without this
// script everything works, and a page is loaded again by hand.
(() => {
  "use strict";
  const main = () => document.getElementById("content");
  let sources = [];
  let busy = false;
  let again = false;

  // A form that someone has begun to fill in is not taken from under their hands.
  const isBusy = () => {
    const active = document.activeElement;
    return active && main().contains(active) && active.matches("input:not([type=hidden]), textarea, select");
  };

  const renew = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || isBusy()) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("content");
      if (!fresh) return;
      fresh.querySelectorAll(".notice").forEach((notice) => notice.remove());
      const focused = document.activeElement && document.activeElement.id;
      if (main().innerHTML !== fresh.innerHTML) main().replaceChildren(...fresh.childNodes);
      if (focused && focused !== "content") document.getElementById(focused)?.focus();
      follow();
    } catch { /* the server is away: the stream says when it is back */ } finally {
      busy = false;
      if (again) { again = false; renew(); }
    }
  };

  const follow = () => {
    const paths = [...document.querySelectorAll("[data-follows]")].map((one) => one.dataset.follows);
    const wanted = [...new Set(paths)].slice(0, 3);
    if (wanted.join() === sources.map((one) => one.path).join()) return;
    sources.forEach((one) => one.close());
    sources = wanted.map(open);
  };

  // A stream begins with how things are now; the page has that already. A stream that ends is begun again by the browser, and
  // one that was refused after a pause.
  const open = (path) => {
    const one = { path, close: () => {} };
    const begin = () => {
      const source = new EventSource(path);
      let first = true;
      let lost = false;
      const changed = () => { if (!first || lost) renew(); first = false; lost = false; };
      source.onmessage = changed;
      ["item", "changed", "removed", "created", "state", "update"].forEach((name) => source.addEventListener(name, changed));
      source.onerror = () => {
        lost = true;
        if (source.readyState === EventSource.CLOSED) {
          const timer = setTimeout(begin, 5000);
          one.close = () => clearTimeout(timer);
        }
      };
      one.close = () => source.close();
    };
    begin();
    return one;
  };

  // What has been sent is not sent twice by a second press; the server would count it once anyway.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") {
      form.dataset.sent = "yes";
      form.setAttribute("aria-busy", "true");
    }
  });
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    });
  });
  addEventListener("pagehide", () => sources.forEach((one) => one.close()));
  follow();
})();
