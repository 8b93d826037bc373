#include "self_test.hpp"

#include <set>
#include <string>

#include <mesos/attributes.hpp>
#include <mesos/mesos.hpp>
#include <mesos/resource_quantities.hpp>
#include <mesos/resources.hpp>
#include <process/process.hpp>

#include "views.hpp"

namespace apportion {
namespace {

/** Reads bytes as a message; empty when the host refuses them. */
template <typename Message>
bool parse(Message* message, const std::string& bytes)
{
  return message->ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

/** A field of a message in wire format: number, length, content; both below 128. */
std::string field(int number, const std::string& content)
{
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(content.size()) + content;
}

std::string checkIds()
{
  mesos::SlaveID agent;
  if (!parse(&agent, field(1, "agent-1"))) return "it cannot read an agent id";
  if (agent.value() != "agent-1") return "an agent id's text is not where it should be";
  mesos::SlaveID written;
  written.set_value("agent-1");
  if (serialize(written) != field(1, "agent-1")) return "an agent id's text cannot be written";
  const mesos::SlaveID copy(written);
  if (copy.value() != "agent-1") return "an agent id cannot be copied";
  mesos::FrameworkID framework;
  if (!parse(&framework, field(1, "framework-1")) || framework.value() != "framework-1") {
    return "a framework id's text is not where it should be";
  }
  mesos::ContainerID container;
  if (!parse(&container, field(1, "child") + field(2, field(1, "parent"))) || container.value() != "child" ||
      !container.has_parent() || container.parent().value() != "parent") {
    return "a container id's parent is not where it should be";
  }
  return "";
}

std::string checkMessages()
{
  const std::string resource = field(1, "cpus") + std::string("\x10\x00", 2);
  mesos::Resource shared;
  if (!parse(&shared, resource + field(10, "")) || shared.name() != "cpus" || !shared.has_shared()) {
    return "a resource's name is not where it should be";
  }
  mesos::TaskInfo task;
  if (!parse(&task, field(4, resource) + field(4, resource)) || task.resources().size() != 2) {
    return "a task's resources are not where they should be";
  }
  const std::string attribute = field(1, "rack") + std::string("\x10\x03", 2);
  mesos::SlaveInfo agent;
  if (!parse(&agent, field(3, resource) + field(5, attribute)) || agent.resources().size() != 1 ||
      agent.attributes().size() != 1) {
    return "an agent's resources and attributes are not where they should be";
  }
  return "";
}

std::string checkResources()
{
  const Try<mesos::Resources> parsed = mesos::Resources::parse("cpus:2.5;mem:512;ports:[31000-32000]");
  if (parsed.isError()) return "it cannot read resources: " + parsed.error();
  const mesos::Resources& host = parsed.get();
  if (host.size() != 3) return "a set of three resources has another size";
  std::set<std::string> names;
  mesos::Resources ours;
  for (const mesos::Resource& resource : host) {
    names.insert(resource.name());
    ours += mesos::Resources(resource);
  }
  if (names != std::set<std::string>{"cpus", "mem", "ports"}) return "the names of a set of resources differ";
  if (!(ours == host)) return "a set of resources built here differs from the host's";
  mesos::Resources doubled(host);
  doubled += host;
  if (!(ours == host) || doubled == host) return "adding to a copy of a set of resources changes the original";
  if (!mesos::Resources::parse("cpus:many").isError()) return "an error is taken for a success";
  return "";
}

std::string checkLimits()
{
  const Try<mesos::ResourceLimits> limits = mesos::ResourceLimits::fromString("cpus:1.5;mem:64");
  if (limits.isError()) return "it cannot read limits: " + limits.error();
  std::string found;
  for (const auto& limit : limits.get()) {
    found += limit.first + "=" + std::to_string(static_cast<int>(limit.second.value() * 1000)) + " ";
  }
  return found == "cpus=1500 mem=64000 " ? "" : "limits read as '" + found + "'";
}

std::string checkActors()
{
  struct Probe : process::ProcessBase
  {
    Probe() : process::ProcessBase("apportion-self-test") {}
  };
  const Probe probe;
  const std::string& id = probe.self().id;
  return id == "apportion-self-test" ? "" : "an actor's address is not where it should be";
}

} // namespace {

std::string selfTest()
{
  for (std::string (*check)() : {checkIds, checkMessages, checkLimits, checkResources, checkActors}) {
    const std::string found = check();
    if (!found.empty()) return found;
  }
  return "";
}

} // namespace apportion {
