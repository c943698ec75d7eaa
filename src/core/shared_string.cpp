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

std::string shared_string::joined(std::string_view a, std::string_view b)
{
    std::string both;
    both.reserve(a.size() + b.size());
    return both.append(a).append(b);
}

std::ostream& operator<<(std::ostream& out, const shared_string& text) { return out << text.str(); }

}  // namespace regolo::inline v0
