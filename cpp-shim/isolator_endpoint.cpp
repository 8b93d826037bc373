#include "isolator_endpoint.hpp"

#include <string>

#include "views.hpp"

namespace apportion {
namespace {

const char* const HELP =
    "### TL;DR; ###\n"
    "Shows what containers may use, and what they do use.\n\n"
    "### DESCRIPTION ###\n"
    "Returns 200 OK with all containers of the isolator as a JSON object: their groups, settings in force, rules that "
    "count, use, pressure, and limits that they broke; and the numbers over all of them.\n\n"
    "### AUTHENTICATION ###\n"
    "This endpoint requires authentication iff HTTP authentication is enabled.\n\n"
    "### AUTHORIZATION ###\n"
    "None: whoever is authenticated may see it.\n";

process::http::Response report(const Library& library)
{
  Buffer out(library.entries);
  const apportion_status status = library.entries.isolator_report(library.handle, out.out());
  return status == APPORTION_DONE ? json(out.text()) : fault(out.text());
}

} // namespace {

std::unique_ptr<Endpoint> isolatorEndpoint(const Library& library)
{
  std::vector<Page> pages = {{"/containers", "GET", "readonly", HELP, [&library]() { return report(library); }}};
  return std::make_unique<Endpoint>("isolator", "agent", std::move(pages));
}

} // namespace apportion {
