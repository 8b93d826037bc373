// Drives an allocator inside a process that holds the Mesos binary, and tells how long it takes, as lines of JSON.
//
//   built-in WORKLOAD [KEY=VALUE]...
//   LIBRARY WORKLOAD [KEY=VALUE]...      parameters of the module are written +KEY=VALUE
#include <cstdio>
#include <cstdlib>

#include "bench.hpp"

namespace bench {

void fail(const std::string& what)
{
  std::fprintf(stderr, "DRIVER FAILED: %s\n", what.c_str());
  std::fflush(stderr);
  std::_Exit(9);
}

Parameters::Parameters(const std::vector<std::string>& arguments)
{
  for (const std::string& argument : arguments) {
    const size_t equals = argument.find('=');
    if (equals == std::string::npos) fail("expected KEY=VALUE, found " + argument);
    values_[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
}

long Parameters::number(const std::string& key) const
{
  const auto found = values_.find(key);
  if (found == values_.end()) fail("the workload wants " + key + "=NUMBER");
  return std::atol(found->second.c_str());
}

long Parameters::number(const std::string& key, long otherwise) const
{
  return values_.count(key) == 1 ? number(key) : otherwise;
}

Sizes::Sizes(const Parameters& parameters)
  : agents(static_cast<int>(parameters.number("agents"))),
    frameworks(static_cast<int>(parameters.number("frameworks"))),
    roles(static_cast<int>(parameters.number("roles", frameworks))),
    rounds(static_cast<int>(parameters.number("rounds", 5)))
{
}

namespace {

const std::map<std::string, Workload*> WORKLOADS = {
    {"cycles", cycles},
    {"filtered", filtered},
    {"join", join},
    {"latency", latency},
    {"leftovers", leftovers},
    {"memory", memoryInUse},
    {"nested", nestedCycles},
    {"operations", operations},
    {"ports", ports},
    {"quota", quotaCycles},
    {"registration", registration},
    {"reservations", reservations},
    {"reserved", reservedCycles},
    {"revive-storm", reviveStorm},
    {"weights", weightedCycles},
};

} // namespace {

void tell(const std::string& json)
{
  std::printf("%s\n", json.c_str());
  std::fflush(stdout);
}

void tellRound(const std::string& series, const Round& round, double ms)
{
  char text[256];
  std::snprintf(
      text, sizeof text,
      R"({"series":"%s","value":%.4f,"offers":%ld,"offers_ms":%.4f,"quiet_ms":%.4f,"call_ms":%.4f})", series.c_str(),
      ms, round.offers, round.offers_ms, round.quiet_ms, round.call_ms);
  tell(text);
}

void tellValue(const std::string& series, double value)
{
  char text[128];
  std::snprintf(text, sizeof text, R"({"series":"%s","value":%.4f})", series.c_str(), value);
  tell(text);
}

void tellStep(const std::string& text)
{
  tell(R"({"step":")" + text + R"("})");
}

} // namespace bench {

extern "C" int rig_main(int argc, char** argv)
{
  if (argc < 3) return 8;
  const std::string library = argv[1];
  std::vector<std::string> parameters;
  std::vector<std::pair<std::string, std::string>> ofModule;
  for (int i = 3; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument[0] != '+') {
      parameters.push_back(argument);
      continue;
    }
    const size_t equals = argument.find('=');
    if (equals == std::string::npos) bench::fail("expected +KEY=VALUE, found " + argument);
    ofModule.push_back({argument.substr(1, equals - 1), argument.substr(equals + 1)});
  }
  bench::Allocator* allocator = library == "built-in" ? bench::builtIn() : bench::module(library, ofModule);
  bench::tell(R"({"class":")" + bench::className(*allocator) + R"("})");
  const auto workload = bench::WORKLOADS.find(argv[2]);
  if (workload == bench::WORKLOADS.end()) bench::fail(std::string("no workload ") + argv[2]);
  // Never destroyed: the actor, which uses it, lives as long as the process.
  auto* cluster = new bench::Cluster(allocator);
  workload->second(*cluster, bench::Sizes(bench::Parameters(parameters)));
  bench::tell(R"({"done":true})");
  return 0;
}
