(function () {
  "use strict";
  var form = document.querySelector(".tools"), box = document.getElementById("views");
  var $ = function (id) { return document.getElementById(id); };

  // A link to a finding unfolds what it lies in.
  function unfold() {
    var id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch (e) { return; }
    var at = id && $(id);
    if (!at) return;
    if (at.closest("[hidden]")) clear();
    for (var e = at; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    at.scrollIntoView();
  }
  window.addEventListener("hashchange", unfold);

  // Paper has no buttons: everything is unfolded for it.
  var folded = [];
  window.addEventListener("beforeprint", function () {
    folded = Array.prototype.filter.call(document.querySelectorAll("details"), function (d) { return !d.open; });
    folded.forEach(function (d) { d.open = true; });
  });
  window.addEventListener("afterprint", function () { folded.forEach(function (d) { d.open = false; }); });

  // Copy buttons.
  function copied(button, ok) {
    button.textContent = ok ? "copied" : "press Ctrl+C";
    setTimeout(function () { button.textContent = "copy"; }, 2000);
  }
  function select(node) {
    var range = document.createRange(), s = getSelection();
    range.selectNodeContents(node);
    s.removeAllRanges();
    s.addRange(range);
  }
  function byHand(button, node) {
    select(node);
    var ok = false;
    try { ok = document.execCommand("copy"); } catch (e) { ok = false; }
    copied(button, ok);
  }
  document.querySelectorAll(".copy").forEach(function (block) {
    var button = document.createElement("button"), code = block.querySelector("code");
    button.type = "button";
    button.textContent = "copy";
    button.setAttribute("aria-label", "Copy: " + block.querySelector("p").textContent);
    button.addEventListener("click", function () {
      if (!navigator.clipboard) return byHand(button, code);
      navigator.clipboard.writeText(code.textContent).then(function () { copied(button, true); }, function () { byHand(button, code); });
    });
    block.appendChild(button);
  });
  document.querySelectorAll("pre").forEach(function (pre) {
    pre.tabIndex = 0;
    pre.setAttribute("role", "group");
    pre.setAttribute("aria-label", pre.parentElement.querySelector("p").textContent);
  });

  if (!form || !box) { unfold(); return; }

  // Filters.
  var views = Array.prototype.slice.call(box.children).map(function (el, i) {
    var items = Array.prototype.slice.call(el.querySelectorAll(":scope > .items > .item")).map(function (li) {
      return { el: li, c: li.dataset.c, s: " " + li.dataset.s + " ", text: null };
    });
    return { el: el, at: i, v: el.dataset.v, o: el.dataset.o, rows: +el.dataset.rows, open: el.open, items: items,
      name: el.querySelector("h3").textContent, text: null };
  });
  var quiet = Array.prototype.slice.call(document.querySelectorAll(".quiet > li")).map(function (el) {
    return { el: el, o: el.dataset.o, text: el.textContent.toLowerCase() };
  });
  function owner(v) { var o = v.el.querySelector("summary .owner"); return o ? o.textContent : "\uffff"; }

  function apply() {
    var q = $("q").value.trim().toLowerCase(), o = $("owner").value, v = $("view").value, c = $("check").value, s = $("state").value;
    var seen = 0, all = 0, shown = 0;
    views.forEach(function (view) {
      var fits = (!o || view.o === o) && (!v || view.v === v), any = false;
      if (q && view.text === null) view.text = view.el.querySelector("summary").textContent.toLowerCase();
      var named = !q || view.text.indexOf(q) >= 0;
      view.items.forEach(function (item) {
        all++;
        var ok = fits && (!c || item.c === c) && (!s || item.s.indexOf(" " + s + " ") >= 0);
        if (ok && !named) {
          if (item.text === null) item.text = item.el.textContent.toLowerCase();
          ok = item.text.indexOf(q) >= 0;
        }
        if (item.el.hidden === ok) item.el.hidden = !ok;
        if (ok) { any = true; seen++; }
      });
      if (view.el.hidden === any) view.el.hidden = !any;
      if (any) shown++;
    });
    quiet.forEach(function (view) {
      view.el.hidden = !((!o || view.o === o) && !v && !c && (!s || s === "pass") && (!q || view.text.indexOf(q) >= 0));
    });
    $("nothing").hidden = seen > 0;
    $("shown").textContent = seen === all ? all + (all === 1 ? " finding in " : " findings in ") + views.length + (views.length === 1 ? " view" : " views")
      : seen + " of " + all + " findings, in " + shown + (shown === 1 ? " view" : " views");
  }
  function sort() {
    var by = $("sort").value;
    views.sort(function (a, b) {
      if (by === "name") return a.name < b.name ? -1 : a.name > b.name ? 1 : a.at - b.at;
      if (by === "rows") return b.rows - a.rows || a.at - b.at;
      if (by === "owner") { var x = owner(a), y = owner(b); return x < y ? -1 : x > y ? 1 : a.at - b.at; }
      return a.at - b.at;
    });
    var rest = document.createDocumentFragment();
    views.forEach(function (view) { rest.appendChild(view.el); });
    box.appendChild(rest);
  }
  function clear() { form.reset(); sort(); apply(); }

  var waiting = 0;
  form.addEventListener("input", function (e) {
    if (e.target.id === "sort") return sort();
    clearTimeout(waiting);
    waiting = setTimeout(apply, e.target.id === "q" ? 120 : 0);
  });
  form.addEventListener("submit", function (e) { e.preventDefault(); apply(); });
  form.addEventListener("reset", function () { setTimeout(function () { sort(); apply(); }, 0); });
  $("clear").addEventListener("click", function () { clear(); $("q").focus(); });
  form.hidden = false;
  apply();
  unfold();
})();
