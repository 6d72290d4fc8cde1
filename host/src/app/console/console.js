// Shows each text message as a line. Where there is a process, sends lines to it; it is started by connecting, so that is left to the
// user once it has ended.

const $ = (id) => document.getElementById(id);
const lines = $("lines");
const lineField = $("line");
const isCommand = document.body.dataset.kind === "command";

const MOST_LINES = 5000;
const FIRST_RETRY = 500;
const LAST_RETRY = 30_000;

let socket;
let retry = FIRST_RETRY;
// Lines come faster than a screen can show them one by one.
let fresh = [];
const sent = [];
let recalled = 0;

$("say").hidden = !isCommand;
connect();

function connect() {
  $("again").hidden = true;
  setState("connecting", "Connecting…");
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}${location.pathname}${location.search}`);
  let opened = false;
  socket.addEventListener("open", () => {
    opened = true;
    setState("open", isCommand ? "Running" : "Connected");
    if (isCommand) {
      lineField.focus();
    }
  });
  socket.addEventListener("message", ({ data }) => {
    retry = FIRST_RETRY;
    if (typeof data === "string") {
      show(data);
    }
  });
  socket.addEventListener("close", ({ code, reason }) => {
    if (isCommand) {
      const ended = code === 1000 ? "the process ended" : reason || "the connection is lost";
      show(opened ? ended : "no connection", "notice");
      setState("closed", "Not running");
      $("again").hidden = false;
    } else {
      if (opened) {
        show(`disconnected${reason && `: ${reason}`}`, "notice");
      }
      wait();
    }
  });
}

// Tries again later, each time a little later, and not at the same time as everybody else.
function wait() {
  let left = Math.ceil((retry * (0.5 + Math.random() / 2)) / 1000);
  retry = Math.min(retry * 2, LAST_RETRY);
  const tick = () => {
    if (left <= 0) {
      connect();
      return;
    }
    setState("closed", `Not connected, trying again in ${left} s`);
    left -= 1;
    setTimeout(tick, 1000);
  };
  tick();
}

function setState(state, text) {
  const element = $("state");
  element.dataset.state = state;
  // A screen reader is not told each second.
  element.setAttribute("aria-live", !isCommand && state === "closed" ? "off" : "polite");
  element.textContent = text;
  $("send").disabled = state !== "open";
}

function show(text, className = "") {
  const element = document.createElement("p");
  element.className = className;
  element.textContent = text;
  fresh.push(element);
  if (fresh.length === 1) {
    setTimeout(flush, 16);
  } else if (fresh.length > MOST_LINES) {
    fresh.splice(1, fresh.length - MOST_LINES);
  }
}

function flush() {
  const excess = lines.childElementCount + fresh.length - MOST_LINES;
  if (excess >= lines.childElementCount) {
    lines.replaceChildren();
  } else {
    for (let count = excess; count > 0; count -= 1) {
      lines.firstElementChild.remove();
    }
  }
  lines.append(...fresh);
  fresh = [];
  if ($("follow").checked) {
    lines.scrollTop = lines.scrollHeight;
  }
}

$("follow").addEventListener("change", flush);

// Who scrolls back wants to read; who comes to the end wants to follow.
for (const event of ["wheel", "touchmove", "keyup"]) {
  lines.addEventListener(event, () => {
    requestAnimationFrame(() => {
      $("follow").checked = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
    });
  });
}

$("again").addEventListener("click", connect);

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState === WebSocket.OPEN) {
    socket.send(lineField.value);
    show(lineField.value, "own");
    sent.push(lineField.value);
    recalled = sent.length;
    lineField.value = "";
    lineField.focus();
  }
});

lineField.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step && sent.length > 0) {
    event.preventDefault();
    recalled = Math.max(0, Math.min(sent.length, recalled + step));
    lineField.value = sent[recalled] ?? "";
  }
});
