using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [
        (name = "worker.mjs", esModule = embed "out/worker.mjs"),
        (name = "sockeye.wasm", wasm = embed "out/sockeye.wasm"),
      ],
      bindings = [
        (name = "BACKEND", fromEnvironment = "BACKEND"),
        (name = "TOKEN", fromEnvironment = "TOKEN"),
      ],
      compatibilityDate = "2026-11-01",
      globalOutbound = "backend",
    )),
    # workerd lets workers reach public addresses unless it is told otherwise; the backend is on this machine, with a certificate of its own.
    (name = "backend", network = (
      allow = ["127.0.0.1/32"],
      tlsOptions = (trustedCertificates = [embed "out/certificate.pem"]),
    )),
  ],
  sockets = [(name = "http", http = (), service = "main")],
);
