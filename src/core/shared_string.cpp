#include <regolo/shared_string.hpp>

#include <ostream>

namespace regolo::inline v0 {

shared_string::shared_string(std::string&& text)
    : text_(text.empty() ? nullptr : std::make_shared<const std::string>(std::move(text)))
{}

shared_string::kept shared_string::make(std::string_view text)
{
    return text.empty() ? nullptr : std::make_shared<const std::string>(text);
}

const std::string& shared_string::none() noexcept
{
    static const std::string empty;
    return empty;
}

std::ostream& operator<<(std::ostream& out, const shared_string& text) { return out << text.str(); }

}  // namespace regolo::inline v0
