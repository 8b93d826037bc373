// What the host shows of the library: its registry of metrics, and its web server.
#include <arpa/inet.h>
#include <chrono>
#include <cstring>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <process/metrics/metrics.hpp>

#include "driver.hpp"

namespace driver {
namespace {

/** An actor of the driver's own: every actor of a process has the process' address. */
struct Probe : process::ProcessBase
{
  Probe() : process::ProcessBase("driver-probe") {}
};

/** Where this process listens, out of an actor's address: family, 16 address bytes, port. */
sockaddr_in ownAddress()
{
  const Probe probe;
  const char* raw = reinterpret_cast<const char*>(&probe.self()) + 16;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  std::memcpy(&address.sin_addr, raw + 4, sizeof address.sin_addr);
  uint16_t port = 0;
  std::memcpy(&port, raw + 20, sizeof port);
  address.sin_port = htons(port);
  return address;
}

} // namespace {

std::map<std::string, double> metrics()
{
  typedef process::Future<std::map<std::string, double>> Snapshot;
  auto taken = std::make_shared<process::Promise<std::map<std::string, double>>>();
  const Snapshot snapshot = taken->future();
  process::metrics::internal::inMetricsActor([taken](process::metrics::internal::MetricsProcess& actor) {
    actor.snapshot(None()).onAny([taken](const Snapshot& numbers) {
      if (numbers.isReady()) taken->set(numbers.get());
    });
  });
  for (int i = 0; i < 2000; ++i) {
    if (snapshot.isReady()) return snapshot.get();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  fail(__FILE__, __LINE__, "a snapshot of the metrics hangs");
}

std::string httpGet(const std::string& path)
{
  return http("GET", path);
}

std::string http(const std::string& method, const std::string& path)
{
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = ownAddress();
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail(__FILE__, __LINE__, "this process does not listen");
  }
  const std::string request = method + " " + path + " HTTP/1.1\r\nHost: driver\r\nConnection: close\r\n\r\n";
  HOLDS(write(connection, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t size = 0; (size = read(connection, buffer, sizeof buffer)) > 0;) {
    answer.append(buffer, static_cast<size_t>(size));
  }
  close(connection);
  return answer;
}

} // namespace driver {
