#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::fuzz {

/// The head of a response, and what stands after it.
struct literal_head
{
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
    std::string_view body;

    /// Of several fields of a name, the values in a row.
    [[nodiscard]] std::optional<std::string> field(std::string_view name) const
    {
        std::optional<std::string> all;
        for (const auto& [each, value] : fields)
            if (each == name)
                all = all ? *all + ", " + value : value;
        return all;
    }
};

/// Of the first response in `bytes` that is no interim one, if its head is complete.
std::optional<literal_head> read_head(std::string_view bytes);

/** The body that the head frames (RFC 9112, section 6.3), if all of it is there.
    @param closed  the connection has ended, which is the end of a body without a length */
std::optional<std::string> read_body(const literal_head& head, bool closed);

}  // namespace regolo::fuzz
