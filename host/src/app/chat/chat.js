// A room is the path of this page, and of its WebSocket. What goes through it is text, `name: what they say`; or `* name comes in`.

const $ = (id) => document.getElementById(id);
const messages = $("messages");
const nameField = $("name");
const textField = $("text");

const MOST_MESSAGES = 1000;
const FIRST_RETRY = 500;
const LAST_RETRY = 30_000;
// After this long the connection is good, and the next loss is not the last one's continuation.
const STABLE = 5_000;

const room = roomOf(location.pathname);
document.title = `${room || "Lobby"} – Chat`;
$("room").textContent = room || "Lobby";

let socket;
let announced = "";
let retry = FIRST_RETRY;
let timer;
let openedAt = 0;

connect();

function connect() {
  clearTimeout(timer);
  setState("connecting", "Connecting…");
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}${location.pathname}`);
  socket.addEventListener("open", () => {
    openedAt = Date.now();
    setState("open", "Connected");
    announced = "";
    // A name that is being typed is not one yet.
    if (document.activeElement !== nameField) {
      announce();
    }
  });
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") {
      show(data);
    }
  });
  socket.addEventListener("close", ({ reason }) => {
    if (openedAt && Date.now() - openedAt > STABLE) {
      retry = FIRST_RETRY;
    }
    openedAt = 0;
    if (reason) {
      show(`* Disconnected: ${reason}`);
    }
    wait();
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
    timer = setTimeout(tick, 1000);
  };
  tick();
}

addEventListener("online", () => {
  if (socket.readyState === WebSocket.CLOSED) {
    connect();
  }
});

function setState(state, text) {
  const element = $("state");
  element.dataset.state = state;
  // A screen reader is not told each second.
  element.setAttribute("aria-live", state === "closed" ? "off" : "polite");
  element.textContent = text;
  $("send").disabled = state !== "open";
}

function announce() {
  const name = ownName();
  if (name && name !== announced && socket.readyState === WebSocket.OPEN) {
    socket.send(announced ? `* ${announced} is now ${name}` : `* ${name} comes in`);
    announced = name;
  }
}

function ownName() {
  // A colon ends a name.
  return nameField.value.replaceAll(":", " ").replaceAll(/\s+/g, " ").trim();
}

function show(data) {
  const wasAtEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40;
  const item = document.createElement("li");
  const said = /^([^:\n]{1,60}): ([^]*)$/.exec(data);
  if (data.startsWith("* ") || !said) {
    item.className = data.startsWith("* ") ? "notice" : "";
    item.append(line("text", data.replace(/^\* /, "")));
  } else {
    const [, name, text] = said;
    item.classList.toggle("own", name === ownName());
    const time = document.createElement("time");
    const now = new Date();
    time.dateTime = now.toISOString();
    time.textContent = now.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const who = document.createElement("span");
    who.className = "name";
    who.dir = "auto";
    who.textContent = name;
    item.append(who, time, line("text", text));
  }
  messages.append(item);
  while (messages.childElementCount > MOST_MESSAGES) {
    messages.firstElementChild.remove();
  }
  if (wasAtEnd) {
    toEnd();
  } else {
    $("latest").hidden = false;
  }
}

function line(className, text) {
  const element = document.createElement("p");
  element.className = className;
  element.dir = "auto";
  element.textContent = text;
  return element;
}

function toEnd() {
  messages.scrollTop = messages.scrollHeight;
  $("latest").hidden = true;
}

messages.addEventListener("scroll", () => {
  if (messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40) {
    $("latest").hidden = true;
  }
});

$("latest").addEventListener("click", () => {
  toEnd();
  textField.focus();
});

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = ownName();
  const text = textField.value.trim();
  if (!name) {
    nameField.focus();
  } else if (text && socket.readyState === WebSocket.OPEN) {
    announce();
    socket.send(`${name}: ${text}`);
    textField.value = "";
    textField.focus();
  }
});

textField.addEventListener("keydown", (event) => {
  // While characters are being composed, Enter means something else.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("say").requestSubmit();
  }
});

nameField.addEventListener("change", () => {
  remember(ownName());
  announce();
});

$("go").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("other").value.trim();
  location.assign(!name || name.toLowerCase() === "lobby" ? "/" : `/room/${encodeURIComponent(name)}`);
});

addEventListener("pagehide", () => {
  if (announced && socket.readyState === WebSocket.OPEN) {
    socket.send(`* ${announced} leaves`);
  }
  announced = "";
});

// Back from the cache of pages that were left: browsers close the connections of those.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) {
    announce();
  }
});

function roomOf(path) {
  const encoded = path.startsWith("/room/") ? path.slice("/room/".length) : "";
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function remember(name) {
  try {
    localStorage.setItem("name", name);
  } catch {
    // Storage may be forbidden; the name is then asked for again.
  }
}

try {
  nameField.value = localStorage.getItem("name") ?? "";
} catch {
  // As above.
}
(nameField.value ? textField : nameField).focus();
