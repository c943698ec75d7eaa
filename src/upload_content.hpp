#pragma once

#include "net/outgoing_body.hpp"

#include <regolo/upload.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace regolo::inline v0 {

/// What copies of an upload share.
class upload::content
{
public:
    virtual ~content() = default;

    /// Of what `open` gives now; unset: nobody knows before. @throws error
    [[nodiscard]] virtual std::optional<std::uint64_t> size() const = 0;
    /// @throws error
    [[nodiscard]] virtual std::unique_ptr<net::body_source> open() const = 0;
    /// `open` works once.
    [[nodiscard]] virtual bool is_one_shot() const noexcept { return false; }
};

}  // namespace regolo::inline v0
