// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_LAMBDA_HPP
#define APPORTION_ABI_STOUT_LAMBDA_HPP

#include <memory>
#include <type_traits>
#include <utility>

namespace lambda {

template <typename F>
class CallableOnce;

/**
 * A function that is called at most once: one owning pointer to an object with the virtual slots {destructor,
 * deleting destructor, call}. The callee stays alive until the CallableOnce is destroyed. One that wants no arguments is
 * called without.
 */
template <typename R, typename... Args>
class CallableOnce<R(Args...)>
{
public:
  template <
      typename F,
      typename = typename std::enable_if<!std::is_same<typename std::decay<F>::type, CallableOnce>::value>::type>
  CallableOnce(F&& f) : callable_(new Holder<typename std::decay<F>::type>(std::forward<F>(f)))
  {}

  CallableOnce(CallableOnce&&) = default;
  CallableOnce(const CallableOnce&) = delete;
  CallableOnce& operator=(CallableOnce&&) = default;
  CallableOnce& operator=(const CallableOnce&) = delete;

  R operator()(Args... args) && { return std::move(*callable_)(std::forward<Args>(args)...); }

private:
  struct Callable
  {
    virtual ~Callable() = default;
    virtual R operator()(Args&&... args) && = 0;
  };

  template <typename F>
  struct Holder : Callable
  {
    template <typename G>
    explicit Holder(G&& g) : f(std::forward<G>(g))
    {}
    R operator()(Args&&... args) && override
    {
      if constexpr (std::is_invocable<F&&, Args&&...>::value) {
        return std::move(f)(std::forward<Args>(args)...);
      } else {
        return std::move(f)();
      }
    }

    F f;
  };

  std::unique_ptr<Callable> callable_;
};

static_assert(sizeof(CallableOnce<void()>) == 8, "one owning pointer");

} // namespace lambda {

#endif
