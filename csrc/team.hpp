// Threads that share work piece by piece.
#pragma once

#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

namespace elyte {

// The caller and threads - 1 others, which are started when there first is work for them.
//
// Work is cut into pieces by its size alone, so that results do not depend on who does what. A thread
// first claims the pieces that are its own, the same in every round, since what belongs to them is in
// its cache, and then those that others have left. Nobody waits for a thread that has not begun: where
// other programs hold the cores, the caller does all by itself in the time of one thread.
class Team {
 public:
  // One that several callers keep. A process forked from this one has a copy without its threads, which
  // cannot be ended: it is left as it is.
  static std::shared_ptr<Team> shared(int threads) {
    return std::shared_ptr<Team>(new Team(threads), [process = getpid()](Team* team) {
      if (getpid() == process) delete team;
    });
  }

  explicit Team(int threads) : own_(static_cast<std::size_t>(std::max(threads, 1))) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    stopping_ = true;
    wake();
    for (std::thread& thread : others_) thread.join();
  }

  int threads() const { return static_cast<int>(own_.size()); }

  // Call work(piece, thread) for all pieces, and return when all is done; rethrows what it throws.
  // Where the team is at work for another caller, this one does it by itself. (Work must not share
  // out work of its own.)
  template <typename Work>
  void share(std::int64_t pieces, Work&& work) {
    std::unique_lock<std::mutex> mine(in_use_, std::defer_lock);
    if (threads() == 1 || pieces <= 1 || !mine.try_lock()) {
      for (std::int64_t piece = 0; piece < pieces; ++piece) work(piece, 0);
      return;
    }
    job_ = &work;
    call_ = [](void* job, std::int64_t piece, int thread) {
      (*static_cast<std::remove_reference_t<Work>*>(job))(piece, thread);
    };
    run(pieces);
  }

  // Call work(begin, end) for a few stretches of a loop over things that do not depend on each other.
  template <typename Work>
  void loop(std::int64_t count, Work&& work) {
    const std::int64_t pieces = threads() == 1 ? 1 : 4 * threads();
    share(pieces, [&](std::int64_t piece, int) {
      work(count * piece / pieces, count * (piece + 1) / pieces);
    });
  }

 private:
  // Pieces of one thread that are not claimed yet; a line of the cache.
  struct alignas(64) Own {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };

  void run(std::int64_t pieces) {
    for (std::int64_t t = 0; t < threads(); ++t) {
      Own& own = own_[static_cast<std::size_t>(t)];
      own.next.store(pieces * t / threads(), std::memory_order_relaxed);
      own.end = pieces * (t + 1) / threads();
    }
    error_ = nullptr;
    core_of_caller_ = core();
    start();
    ++round_;  // odd: open
    if (sleepers_ > 0) wake();
    work_off(0);
    ++round_;  // even: closed; who comes in now finds that out
    for (int waited = 0; inside_ > 0; ++waited) pass_time(waited);
    if (error_) std::rethrow_exception(error_);
  }

  void start() {
    try {
      for (int t = static_cast<int>(others_.size()) + 1; t < threads(); ++t)
        others_.emplace_back([this, t] { serve(t); });
    } catch (const std::system_error&) {
      // no more threads are to be had: those that are there do it all
    }
  }

  void serve(int thread) {
    std::uint64_t last = 0;
    while (const std::uint64_t round = next_round(last)) {
      ++inside_;
      if (round_ == round) work_off(thread);
      --inside_;
      last = round;
      if (core() == core_of_caller_) leave_core();
    }
  }

  void work_off(int thread) {
    try {
      for (std::size_t k = 0; k < own_.size(); ++k) {
        Own& own = own_[(static_cast<std::size_t>(thread) + k) % own_.size()];
        while (own.next.load(std::memory_order_relaxed) < own.end) {
          const std::int64_t piece = own.next.fetch_add(1, std::memory_order_relaxed);
          if (piece < own.end) call_(job_, piece, thread);
        }
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      error_ = std::current_exception();
    }
  }

  // Wait for a round that is open and not the last one; 0 when the team is to end.
  std::uint64_t next_round(std::uint64_t last) {
    const auto is_new = [&] {
      const std::uint64_t round = round_;
      return round % 2 == 1 && round != last ? round : 0;
    };
    for (int waited = 0; !stopping_; ++waited) {
      if (const std::uint64_t round = is_new()) return round;
      if (waited < PATIENCE) {
        pass_time(waited);
        continue;
      }
      std::unique_lock<std::mutex> lock(mutex_);
      ++sleepers_;
      while (!stopping_ && !is_new()) awake_.wait(lock);
      --sleepers_;
    }
    return 0;
  }

  void wake() {
    { const std::lock_guard<std::mutex> lock(mutex_); }  // none is between looking and falling asleep
    awake_.notify_all();
  }

  // Between two rounds some microseconds pass, while the caller does what is not shared: spin, a few
  // tenths of a millisecond. After that other programs may have the core; then threads sleep.
  static constexpr int SPINS = 20000, PATIENCE = 22000;
  static void pass_time(int waited) {
    if (waited >= SPINS) {
      std::this_thread::yield();
      return;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  // The scheduler may leave a thread on its caller's core for long, where it hardly ever runs, though
  // what runs on the other cores matters less: so the thread leaves by itself.
#ifdef __linux__
  static int core() { return sched_getcpu(); }
  static void leave_core() {
    cpu_set_t allowed, others;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    others = allowed;
    CPU_CLR(static_cast<std::size_t>(core()), &others);
    if (CPU_COUNT(&others) == 0) return;
    sched_setaffinity(0, sizeof others, &others);  // moves this thread at once
    sched_setaffinity(0, sizeof allowed, &allowed);
  }
#else
  static int core() { return -1; }
  static void leave_core() {}
#endif

  std::vector<Own> own_;
  std::vector<std::thread> others_;
  void* job_ = nullptr;
  void (*call_)(void*, std::int64_t, int) = nullptr;
  std::exception_ptr error_;
  std::atomic<int> core_of_caller_{-2};
  alignas(64) std::atomic<std::uint64_t> round_{0};
  alignas(64) std::atomic<int> inside_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stopping_{false};
  std::mutex in_use_, mutex_;
  std::condition_variable awake_;
};

}  // namespace elyte
