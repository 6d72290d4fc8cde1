using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [
        (name = "worker.mjs", esModule = embed "out/worker.mjs"),
        (name = "sockeye.wasm", wasm = embed "out/sockeye.wasm"),
      ],
      bindings = [(name = "ROOMS", durableObjectNamespace = "Room")],
      durableObjectNamespaces = [(className = "Room", uniqueKey = "sockeye-example-room")],
      durableObjectStorage = (inMemory = void),
      compatibilityDate = "2026-11-01",
    )),
  ],
  sockets = [(name = "http", http = (), service = "main")],
);
