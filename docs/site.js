// What scrolls by itself can be scrolled by the keyboard.
document$.subscribe(() => {
  const reach = () =>
    document
      .querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code, .md-sidebar__scrollwrap")
      .forEach((scrolls) => { scrolls.tabIndex = 0; });
  reach();
  // Tables get their wrapper a moment later.
  new MutationObserver(reach).observe(document.body, { childList: true, subtree: true });
});
