#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace regolo::core {

/// Makes room for more elements: inserting them then throws nothing and leaves the others in the same memory.
template <class T>
void make_room(std::vector<T>& items, std::size_t more)
{
    if (items.capacity() - items.size() < more)
        items.reserve(std::max(items.size() + more, 2 * items.capacity()));
}

}  // namespace regolo::core
