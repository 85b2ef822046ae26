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

  // Two copies of a page differ by the keys of their forms at least.
  const told = (page) => page.innerHTML.replace(/(name="_key" value=")[^"]*/g, "$1");

  const renew = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || isBusy()) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("content");
      if (!fresh) return;
      const focused = document.activeElement && document.activeElement.id;
      if (told(main()) !== told(fresh)) main().replaceChildren(...fresh.childNodes);
      if (focused && focused !== "content") document.getElementById(focused)?.focus();
      follow();
    } catch { /* the server is away: the stream says when it is back */ } finally {
      busy = false;
      if (again) { again = false; renew(); }
    }
  };

  // What no stream tells of is looked at again, as often as the page says.
  let timer;
  const lookAgain = () => {
    clearTimeout(timer);
    const pause = document.querySelector("[data-renews]")?.dataset.renews;
    if (pause) timer = setTimeout(() => renew().finally(lookAgain), Number(pause));
  };

  const follow = () => {
    const paths = [...document.querySelectorAll("[data-follows]")].map((one) => one.dataset.follows);
    const wanted = [...new Set(paths)].slice(0, 3);
    if (wanted.join() === sources.map((one) => one.path).join()) return;
    sources.forEach((one) => one.close());
    sources = wanted.map(open);
  };

  // A stream begins with how a thing is now, which may be newer than the page. One that breaks is begun again by the browser,
  // and one that was refused, or has ended, after a pause.
  const open = (path) => {
    const one = { path, close: () => {} };
    const pause = () => {
      const timer = setTimeout(begin, 5000);
      one.close = () => clearTimeout(timer);
    };
    const begin = () => {
      const source = new EventSource(path);
      source.onmessage = renew;
      source.addEventListener("gone", renew);
      source.addEventListener("reset", renew);
      source.addEventListener("end", () => { source.close(); pause(); });
      source.onerror = () => { if (source.readyState === EventSource.CLOSED) pause(); };
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
  lookAgain();
  addEventListener("pagehide", () => clearTimeout(timer));
  addEventListener("pagehide", () => sources.forEach((one) => one.close()));
  follow();
})();
