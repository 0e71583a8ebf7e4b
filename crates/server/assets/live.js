// Keeps a page live: told by the server that records of a kind changed, it fetches the same page again.
// A page with `data-live="request grant"` says which kinds it shows. What somebody is typing, has
// opened or is about to decide on is never exchanged under their hands: then a line offers it.
(() => {
  const main = document.getElementById("main");
  const kinds = (main?.dataset.live ?? "").split(" ").filter(Boolean);
  if (kinds.length === 0 || !window.EventSource) return;

  const offer = () => {
    const line = document.getElementById("fresh");
    if (line) line.hidden = false;
  };
  const busy = () =>
    main.dataset.fixed !== undefined ||
    main.querySelector("details[open]") !== null ||
    main.contains(document.activeElement);
  const refresh = async () => {
    if (busy()) return offer();
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return offer();
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = next.getElementById("main");
    if (!fresh || busy()) return offer();
    main.replaceChildren(...fresh.childNodes);
    const edge = document.querySelector(".top nav");
    const newer = next.querySelector(".top nav");
    if (edge && newer && !edge.contains(document.activeElement)) edge.replaceWith(newer);
  };

  // From what the page shows on: what changed while it was on its way is told at once. Only a page that
  // is looked at listens, since a browser has few connections for all of its tabs (HTTP/1.1).
  let since = main.dataset.entries;
  let source = null;
  const hush = () => {
    source?.close();
    source = null;
  };
  const listen = () => {
    if (document.hidden) return hush();
    if (source) return;
    source = new EventSource(`/changes?since=${since}`);
    source.addEventListener("changed", (event) => {
      since = event.lastEventId || since;
      if (event.data.split(" ").some((kind) => kinds.includes(kind))) refresh().catch(offer);
    });
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pageshow", listen);
  addEventListener("pagehide", hush);
  listen();
})();
