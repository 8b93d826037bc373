#include "endpoint.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include <process/authenticator.hpp>
#include <process/dispatch.hpp>
#include <process/future.hpp>
#include <process/process.hpp>

#include "guard.hpp"

namespace apportion {

using process::http::InternalServerError;
using process::http::MethodNotAllowed;
using process::http::NotFound;
using process::http::OK;
using process::http::Request;
using process::http::Response;
using process::http::authentication::Principal;

Response fault(const std::string& text)
{
  APPORTION_LOG(google::GLOG_ERROR, "apportion: " + text);
  return InternalServerError(text);
}

Response json(const std::string& text)
{
  return OK(text, "application/json");
}

/** The pages of one module. The actor has its handlers for ever, but asks the module no more once that has ended. */
class Endpoint::Book
{
public:
  Book(const std::string& side, std::vector<Page> pages) : realms_("mesos-" + side + "-"), pages_(std::move(pages)) {}

  const std::vector<Page>& pages() const { return pages_; }

  /** "mesos-agent-readonly" or another of the four such realms. */
  std::string realm(const Page& page) const { return realms_ + page.access; }

  bool shares(const Book& other) const
  {
    return std::any_of(pages_.begin(), pages_.end(), [&](const Page& page) {
      return std::any_of(other.pages_.begin(), other.pages_.end(), [&](const Page& it) { return it.path == page.path; });
    });
  }

  process::Future<Response> answer(const Page& page, const Request& request)
  {
    if (request.method != page.method) return MethodNotAllowed({page.method}, request.method);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return NotFound("the module of this page is gone");
    return page.answer();
  }

  void end()
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }

private:
  const std::string realms_;
  const std::vector<Page> pages_;
  std::mutex mutex_;
  bool ended_ = false;
};

/** Answers requests that the host has authenticated. */
class Endpoint::Actor : public process::ProcessBase
{
public:
  explicit Actor(const std::string& id) : process::ProcessBase(id) {}

  /** Only in this actor. */
  void publish(const std::shared_ptr<Book>& book)
  {
    for (const Page& page : book->pages()) {
      route(
          page.path,
          book->realm(page),
          page.help,
          [book, &page](const Request& request, const Option<Principal>&) -> process::Future<Response> {
            return guarded(page.path.c_str(), [&]() { return book->answer(page, request); }, fault);
          });
    }
  }

  /** Whose pages are here; guarded by the lock of `Actors`. */
  std::vector<std::shared_ptr<Book>> books;
};

/** The actors of this process, by number. */
struct Endpoint::Actors
{
  /** Never destroyed: modules may end after what is static. */
  static Actors& all()
  {
    static Actors& actors = *new Actors;
    return actors;
  }

  /** The first that has none of these pages, else a new one; null where that cannot be started. */
  std::shared_ptr<Actor> actorFor(const std::string& module, const Book& book)
  {
    for (int number = 1;; ++number) {
      const std::shared_ptr<Actor> actor = numbered[number].lock();
      if (actor == nullptr) {
        const std::shared_ptr<Actor> made = started(module, number);
        numbered[number] = made;
        return made;
      }
      const auto shares = [&](const std::shared_ptr<Book>& other) { return book.shares(*other); };
      if (std::none_of(actor->books.begin(), actor->books.end(), shares)) return actor;
    }
  }

  static std::shared_ptr<Actor> started(const std::string& module, int number)
  {
    const std::string id = number == 1 ? "apportion" : "apportion(" + std::to_string(number) + ")";
    auto actor = std::make_unique<Actor>(id);
    const process::UPID pid = process::spawn(actor.get());
    const std::string& given = pid.id;
    if (given.empty()) {
      APPORTION_LOG(
          google::GLOG_ERROR, "apportion: the " + module + " has no HTTP endpoint: there is an actor " + id);
      return nullptr;
    }
    return std::shared_ptr<Actor>(actor.release(), [](Actor* ended) {
      process::terminate(ended->self());
      process::wait(ended->self());
      delete ended;
    });
  }

  std::mutex mutex;
  std::map<int, std::weak_ptr<Actor>> numbered;
};

Endpoint::Endpoint(const std::string& module, const std::string& side, std::vector<Page> pages)
  : book_(std::make_shared<Book>(side, std::move(pages)))
{
  Actors& actors = Actors::all();
  const std::lock_guard<std::mutex> lock(actors.mutex);
  actor_ = actors.actorFor(module, *book_);
  if (actor_ == nullptr) return;
  actor_->books.push_back(book_);
  process::dispatch(actor_->self(), [actor = actor_.get(), book = book_]() { actor->publish(book); });
}

Endpoint::~Endpoint()
{
  book_->end();
  Actors& actors = Actors::all();
  const std::lock_guard<std::mutex> lock(actors.mutex);
  if (actor_ == nullptr) return;
  std::vector<std::shared_ptr<Book>>& books = actor_->books;
  books.erase(std::remove(books.begin(), books.end(), book_), books.end());
  // The last one ends it.
  actor_.reset();
}

} // namespace apportion {
