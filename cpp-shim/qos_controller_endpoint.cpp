#include "qos_controller_endpoint.hpp"

#include <string>

#include "views.hpp"

namespace apportion {
namespace {

const char* const HELP =
    "### TL;DR; ###\n"
    "Shows which borrowers have to end, and how many did.\n\n"
    "### DESCRIPTION ###\n"
    "Returns 200 OK with the executors under notice, those that are being ended, what owners needed last, and the "
    "numbers since the start, as a JSON object.\n\n"
    "### AUTHENTICATION ###\n"
    "This endpoint requires authentication iff HTTP authentication is enabled.\n\n"
    "### AUTHORIZATION ###\n"
    "None: whoever is authenticated may see it.\n";

process::http::Response report(const Library& library)
{
  Buffer out(library.entries);
  const apportion_status status = library.entries.qos_controller_report(library.handle, out.out());
  return status == APPORTION_DONE ? json(out.text()) : fault(out.text());
}

} // namespace {

std::unique_ptr<Endpoint> qosControllerEndpoint(const Library& library)
{
  std::vector<Page> pages = {{"/evictions", "GET", "readonly", HELP, [&library]() { return report(library); }}};
  return std::make_unique<Endpoint>("QoS controller", "agent", std::move(pages));
}

} // namespace apportion {
