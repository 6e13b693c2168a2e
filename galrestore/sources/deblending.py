"""
Deblending of components by thresholds, as in SExtractor (Bertin & Arnouts 1996).

A component is cut at levels between its threshold and its peak, in equal ratios.  The
connected pieces form a tree; from the top down, a piece that holds two or more pieces
of enough light is parted, and its pixels outside those cores go to one of them at
random, with the chances of Gaussians through core and threshold.

So that a catalogue can be compared with SExtractor's object by object, chance is drawn
as the program draws it: it is a single stream, that of ``rand()`` of the GNU C library
from its default seed, used up by one component after the other in the order of their
completion (last row, then last column of that row), and within a component in the
order in which the one-pass algorithm of Lutz (1980, The Computer Journal 23, 262) links
its pixels.
"""

import math

import numpy as np

from galrestore.sources.compiling import compiled

__all__ = ["fresh_stream", "part"]

_F = np.float32
# Pieces smaller than this are ignored in the tree.
_LEAST_PIECE = 3
# SExtractor's limit of pieces at one level; a component beyond it stays whole.
_MOST_PIECES = 1024
_STATE, _LAG = 31, 3
_LARGEST = _F(2147483647)
_SINGULAR, _PIXEL = 0.00694, 1 / 12
_COMPLETE, _INCOMPLETE, _OUTSIDE, _INSIDE = 0, 1, 2, 3
_START, _JOIN, _PAUSE, _END = 1, 2, 3, 4
_UNKNOWN = -1


def fresh_stream():
    """
    Return the state of the random numbers at the first pixel of a mosaic.

    Returns
    -------
    stream : ndarray of uint32, shape (32,)
        The last 31 words of the generator, and the place of the oldest.
    """
    words = [1]
    for _ in range(_STATE - 1):
        words.append(16807 * words[-1] % 2147483647)
    words += words[:_LAG]
    # The generator forgets its first 310 numbers.
    for i in range(_STATE + _LAG, 11 * _STATE + _LAG):
        words.append((words[i - _LAG] + words[i - _STATE]) % 2**32)
    return np.array([*words[-_STATE:], 0], dtype=np.uint32)


@compiled
def part(images, runs, order, boxes, first, base, settings, stream, cores):
    """
    Deblend components, and paint and number the sources.

    Parameters
    ----------
    images : tuple of ndarray, shape (H, W)
        Smoothed image on which sources were detected, data before it was smoothed,
        noise (float32), and segments (int32), which become the number of the source
        from 1 in all pixels of the wanted components.
    runs : ndarray of int32, shape (R, 4)
        Runs of all components, see `galrestore.sources.components.components`,
        component by component.
    order : ndarray of int64, shape (K,)
        Components wanted, in the order of their completion.
    boxes : ndarray of int32, shape (C, 6)
        As of `components`.
    first : ndarray of int64, shape (C + 1,)
        First run of each component.
    base : ndarray of float32, shape (C,)
        Threshold of each component.
    settings : tuple of float, int, int, float
        Threshold in units of the noise, least number of pixels of a source, number of
        levels, and least light of a piece over that of the component.
    stream : ndarray of uint32, shape (32,)
        State of the random numbers, see `fresh_stream`; used up.
    cores : ndarray of float64, shape (S, 4)
        Output, one row a source: component; column and row of the barycentre of its
        core, from the first ones of the component, NaN for a source that is not
        deblended; and for cleaning the height above the threshold of about its
        least-area-th brightest pixel, see `_feed`.

    Returns
    -------
    count : int
        Number of sources; where it exceeds S, outputs are not complete.
    """
    smoothed, data, noise, segments = images
    threshold, least_area, levels, contrast = settings
    count = 0
    for component in order:
        box = boxes[component]
        height, width = box[2] - box[1] + 1, box[4] - box[3] + 1
        stride = width + 2
        values = np.zeros((height + 2) * stride, dtype=np.float32)
        raw = np.zeros((height + 2) * stride, dtype=np.float32)
        excess = np.zeros((height + 2) * stride, dtype=np.float32)
        label = np.zeros(len(values), dtype=np.int32)
        pixels = np.empty(box[0], dtype=np.int64)
        n = 0
        for run in range(first[component], first[component + 1]):
            y = runs[run, 0]
            for x in range(runs[run, 1], runs[run, 2]):
                place = (y - box[1] + 1) * stride + x - box[3] + 1
                values[place] = smoothed[y, x]
                raw[place] = data[y, x]
                excess[place] = smoothed[y, x] - _F(threshold * noise[y, x])
                label[place] = 1
                pixels[n] = place
                n += 1
        pieces = np.zeros((0, 3))
        if n >= 2 * _LEAST_PIECE and _summits(values, pixels, stride) > 1:
            pieces = _pieces(values, pixels, stride, base[component], levels, contrast)
        brightest = np.zeros((max(len(pieces), 1), least_area), dtype=np.float32)
        following = np.full(len(values), -1, dtype=np.int64)
        linked = pixels, _link(pixels, stride, following), following
        if len(pieces):
            cutouts = values, raw, excess, label
            _gather(cutouts, linked, stride, base[component], pieces, stream, brightest)
        else:
            fed = _feed_all(brightest[0], excess, linked[1], following)
            if fed < least_area:
                brightest[0, 0] = 0
        for i in range(max(len(pieces), 1)):
            if count + i < len(cores):
                cores[count + i, 0] = component
                cores[count + i, 1:3] = np.nan
                cores[count + i, 3] = brightest[i, 0]
                if len(pieces):
                    cores[count + i, 1], cores[count + i, 2] = pieces[i, 1] - 1, pieces[i, 2] - 1
        for place in pixels:
            y, x = place // stride - 1 + box[1], place % stride - 1 + box[3]
            segments[y, x] = label[place] + count
        count += max(len(pieces), 1)
    return count


@compiled
def _summits(values, pixels, stride):
    """Count local maxima; of equal neighbours the first counts."""
    count = 0
    for place in pixels:
        value = values[place]
        count += (
            value >= values[place + 1]
            and value >= values[place + stride - 1]
            and value >= values[place + stride]
            and value >= values[place + stride + 1]
            and value > values[place - 1]
            and value > values[place - stride + 1]
            and value > values[place - stride]
            and value > values[place - stride - 1]
        )
    return count


@compiled
def _label_level(places, stride, label, parent):
    """Label the places (in raster order) of a level from 1; return number of roots."""
    count = 0
    for place in places:
        label[place] = 0
    for place in places:
        root = 0
        for step in (-stride - 1, -stride, -stride + 1, -1):
            other = label[place + step]
            if other == 0:
                continue
            while parent[other] != other:
                parent[other] = parent[parent[other]]
                other = parent[other]
            if root == 0:
                root = other
            elif root != other:
                parent[max(root, other)] = min(root, other)
                root = min(root, other)
        if root == 0:
            count += 1
            root = count
            parent[count] = count
        label[place] = root
    found = 0
    for i in range(1, count + 1):
        if parent[i] == i:
            found += 1
            parent[i] = -found
        else:
            parent[i] = parent[parent[i]]
    for place in places:
        label[place] = -parent[label[place]]
    return found


@compiled
def _above(values, places, level, label):
    """Return the places above a level; the others lose their labels."""
    kept = np.empty(len(places), dtype=np.int64)
    count = 0
    for place in places:
        if values[place] > level:
            kept[count] = place
            count += 1
        else:
            label[place] = 0
    return kept[:count]


@compiled
def _sons(values, places, label, found, owner):
    """Return size, first place and sum of pieces, and those that count, in order."""
    sums, size = np.zeros(found + 1), np.zeros(found + 1, dtype=np.int64)
    seed, last = np.full(found + 1, -1, dtype=np.int64), np.zeros(found + 1, dtype=np.int64)
    for place in places:
        i = label[place]
        sums[i] += values[place]
        size[i] += 1
        last[i] = place
        if seed[i] < 0:
            seed[i] = place
    # In the order of their fathers, then of their completion (last pixel).
    sons, key = np.empty(found, dtype=np.int64), np.empty(found, dtype=np.int64)
    count = 0
    for i in range(1, found + 1):
        if size[i] >= _LEAST_PIECE and owner[seed[i]] >= 0:
            sons[count], key[count] = i, owner[seed[i]] * len(values) + last[i]
            count += 1
    return size, seed, sums, sons[:count][np.argsort(key[:count])]


@compiled
def _pieces(values, pixels, stride, base, levels, contrast):
    """
    Find the cores into which a component falls.

    Returns one row a core: its level's threshold, and its first place twice (to be
    replaced by the barycentre); none if the component stays whole.
    """
    peak, total = _F(0), 0.0
    for place in pixels:
        peak = max(peak, values[place])
        total += values[place]
    least = _F(total) * contrast
    # Nodes of the tree: parent, first place, enough light, whole (not parted further).
    nodes, heights = np.zeros((64, 4), dtype=np.int64), np.zeros(64, dtype=np.float32)
    nodes[0, 0], nodes[0, 1], nodes[0, 3] = -1, pixels[0], 1
    count = 1
    starts = np.zeros(levels + 1, dtype=np.int64)
    starts[1] = 1
    used = 1
    places = pixels.copy()
    owner = np.zeros(len(values), dtype=np.int64)
    label = np.zeros(len(values), dtype=np.int32)
    parent = np.zeros(len(pixels) + 1, dtype=np.int32)
    for k in range(1, levels):
        level = _F(base * math.pow(peak / base, k / levels))
        places = _above(values, places, level, label)
        found = _label_level(places, stride, label, parent)
        size, seed, sums, sons = _sons(values, places, label, found, owner)
        if len(sons) >= _MOST_PIECES:
            return np.zeros((0, 3))
        while count + len(sons) > len(nodes):
            nodes = np.concatenate((nodes, np.zeros_like(nodes)))
            heights = np.concatenate((heights, np.zeros_like(heights)))
        ident = np.full(found + 1, -1, dtype=np.int64)
        for i in sons:
            ident[i] = count
            nodes[count, 0], nodes[count, 1], nodes[count, 3] = owner[seed[i]], seed[i], 1
            nodes[count, 2] = _F(sums[i]) - level * _F(size[i]) > least
            heights[count] = level
            count += 1
        for place in places:
            owner[place] = ident[label[place]]
        used = k + 1
        starts[used] = count
        if len(sons) == 0:
            break
    return _cut(nodes, heights, starts, used, count)


@compiled
def _cut(nodes, heights, starts, used, count):
    """Cut the tree from the top down, and list the cores."""
    chosen = np.empty(count, dtype=np.int64)
    n = 0
    for k in range(used - 2, -1, -1):
        son = starts[k + 1]
        for i in range(starts[k], starts[k + 1]):
            begin, bright = son, 0
            while son < starts[k + 2] and nodes[son, 0] == i:
                bright += nodes[son, 2]
                nodes[i, 3] &= nodes[son, 3]
                son += 1
            if bright > 1:
                for j in range(begin, son):
                    if nodes[j, 2] and nodes[j, 3]:
                        chosen[n] = j
                        n += 1
                nodes[i, 3] = 0
    pieces = np.zeros((0 if nodes[0, 3] else n, 3))
    for i in range(len(pieces)):
        pieces[i, 0] = heights[chosen[i]]
        pieces[i, 1:] = nodes[chosen[i], 1]
    return pieces


@compiled
def _feed(brightest, count, value):
    """
    Offer one more pixel to the heap of the brightest ones of a source.

    The heap is SExtractor's: its root is meant to be the least of the M brightest
    pixels.  But it is the first pixel's until there are more than M; the pixel that
    sets off the sorting is passed over; and values sink by one level, then by leaps.
    """
    size = len(brightest)
    if count < size:
        brightest[count] = value
    elif count == size:
        brightest.sort()
    elif value > brightest[0]:
        brightest[0] = value
        place = 0
        while 2 * (place + 1) < size:
            below = 2 * (place + 1)
            child = below if brightest[below - 1] > brightest[below] else below - 1
            if brightest[child] < brightest[place]:
                brightest[child], brightest[place] = brightest[place], brightest[child]
            place = below


@compiled
def _feed_all(brightest, excess, place, following):
    """Offer all pixels of a list; return how many they are."""
    count = 0
    while place >= 0:
        _feed(brightest, count, excess[place])
        place = following[place]
        count += 1
    return count


@compiled
def _gather(images, linked, stride, base, pieces, stream, brightest):
    """Flood the cores, and give every other pixel of the component to one of them."""
    values, raw, excess, label = images
    pixels, place, following = linked
    shapes = np.empty((len(pieces), 7), dtype=np.float32)
    size = np.empty(len(pieces), dtype=np.int64)
    for other in pixels:
        label[other] = 0
    stack = np.empty(len(pixels), dtype=np.int64)
    own = np.full(len(values), -1, dtype=np.int64)
    for i in range(len(pieces)):
        level = _F(pieces[i, 0])
        count = _flood(values, label, stride, int(pieces[i, 1]), level, i + 1, stack)
        members = np.sort(stack[:count])
        column, row = _core_shape(values, raw, members, stride, level, shapes[i])
        start = _link(members, stride, own)
        size[i] = _feed_all(brightest[i], excess, start, own)
        pieces[i, 1], pieces[i, 2] = column, row
        spread, peak = shapes[i, 5], shapes[i, 6]
        amplitude = _F(base * math.exp(spread)) if spread < 70 else _F(4) * peak
        shapes[i, 5] = min(amplitude, _F(4) * peak)
    chance = np.zeros(len(pieces) + 1, dtype=np.float32)
    while place >= 0:
        if label[place] == 0:
            i = _draw(place % stride, place // stride, pieces, shapes, chance, stream)
            label[place] = i + 1
            _feed(brightest[i], size[i], excess[place])
            size[i] += 1
        place = following[place]
    for i in range(len(pieces)):
        if size[i] < brightest.shape[1]:
            brightest[i, 0] = 0


@compiled
def _draw(x, y, pieces, shapes, chance, stream):
    """Choose the core that a pixel goes to."""
    nearest, least = 0, _F(1e31)
    for i in range(len(pieces)):
        dx, dy = _F(x - pieces[i, 1]), _F(y - pieces[i, 2])
        radius = shapes[i, 0] * dx * dx + shapes[i, 1] * dy * dy + shapes[i, 2] * dx * dy
        distance = _F(0.5 * radius / shapes[i, 4])
        more = shapes[i, 5] * math.exp(-distance) if distance < 70 else 0.0
        chance[i + 1] = _F(chance[i] + more)
        if distance < least:
            least, nearest = distance, i
    total = chance[len(pieces)]
    if not total > 1e-31:
        return nearest
    oldest = int(stream[_STATE])
    word = np.uint32(stream[oldest] + stream[(oldest + _STATE - _LAG) % _STATE])
    stream[oldest] = word
    stream[_STATE] = (oldest + 1) % _STATE
    drawn = total * _F(word >> np.uint32(1)) / _LARGEST
    for i in range(len(pieces)):
        if not chance[i + 1] < drawn:
            return i
    return nearest


@compiled
def _flood(values, label, stride, seed, level, number, stack):
    """Mark the connected pixels above a level; return how many are on the stack."""
    stack[0], label[seed] = seed, number
    done, top = 0, 1
    while done < top:
        place = stack[done]
        done += 1
        for dy in (-stride, 0, stride):
            for dx in (-1, 0, 1):
                other = place + dy + dx
                if values[other] > level and label[other] != number:
                    label[other] = number
                    stack[top] = other
                    top += 1
    return top


@compiled
def _core_shape(values, raw, places, stride, level, shape):
    """Fill cxx, cyy, cxy, npix, abcor, ln(amplitude / base), peak; return the barycentre."""
    total = x1 = y1 = xx = yy = xy = 0.0
    peak = _F(0)
    for place in places:
        value = values[place]
        x, y = place % stride, place // stride
        peak = max(peak, value)
        total += value
        x1 += value * x
        y1 += value * y
    x1, y1 = x1 / total, y1 / total
    highest, above, bright = _F(0), 0, 0
    for place in places:
        highest = max(highest, raw[place])
        above += raw[place] > level
    middle = (level + highest) / _F(2)
    for place in places:
        value = values[place]
        dx, dy = place % stride - x1, place // stride - y1
        xx += value * dx * dx
        yy += value * dy * dy
        xy += value * dx * dy
        bright += raw[place] > middle
    xx, yy, xy = xx / total, yy / total, xy / total
    area = xx * yy - xy * xy
    if area < _SINGULAR:
        xx, yy = xx + _PIXEL, yy + _PIXEL
        area = xx * yy - xy * xy
    shape[0], shape[1], shape[2], shape[3] = yy / area, xx / area, -2 * xy / area, len(places)
    axes = math.sqrt(area)
    decline = level / middle
    correction = _F(1)
    if decline > 0:
        excess = _F(bright - above)
        if excess >= 0:
            excess = _F(-1)
        correction = _F(excess / (2 * math.pi * math.log(decline if decline < 1 else 0.99) * axes))
        correction = min(correction, _F(1))
    shape[4], shape[6] = correction, peak
    shape[5] = len(places) / (2 * math.pi * correction * axes)
    return x1, y1


@compiled
def _join(head, tail, one, other_head, other_tail, following):
    """Append a list of pixels, given by its ends, to list number one."""
    if other_head < 0:
        return
    if head[one] < 0:
        head[one] = other_head
    else:
        following[tail[one]] = other_head
    tail[one] = other_tail


@compiled
def _link(pixels, stride, following):
    """
    Link connected pixels (places in raster order) as the algorithm of Lutz does.

    Returns the first place; `following` gets the others.
    """
    left = right = pixels[0] % stride
    for place in pixels:
        left, right = min(left, place % stride), max(right, place % stride)
    marker = np.zeros(stride, dtype=np.int8)
    # Ends of the lists of objects in work, and of those kept between rows.
    head, tail = np.empty(stride, dtype=np.int64), np.empty(stride, dtype=np.int64)
    kept_head, kept_tail = np.empty(stride, dtype=np.int64), np.empty(stride, dtype=np.int64)
    head[0] = -1
    start = np.zeros(stride + 1, dtype=np.int64)
    end = np.zeros(stride + 1, dtype=np.int64)
    stack = np.zeros(4 * stride + 4, dtype=np.int8)
    own, top, member = 0, 0, 0
    for y in range(pixels[0] // stride, pixels[-1] // stride + 2):
        before, now = _COMPLETE, _OUTSIDE
        for x in range(left, right + 2):
            mark = marker[x]
            marker[x] = 0
            place = y * stride + x
            on = member < len(pixels) and pixels[member] == place
            if on:
                member += 1
                if now != _INSIDE:
                    now = _INSIDE
                    if before == _INSIDE:
                        if start[own] == _UNKNOWN:
                            marker[x], start[own] = _START, x
                        else:
                            marker[x] = _JOIN
                    else:
                        stack[top] = before
                        top += 1
                        marker[x] = _START
                        own += 1
                        start[own] = x
                        before = _COMPLETE
                        head[own] = -1
            if mark == _START:
                stack[top] = before
                top += 1
                if now == _OUTSIDE:
                    stack[top] = _COMPLETE
                    top += 1
                    own += 1
                    head[own], tail[own] = kept_head[x], kept_tail[x]
                    start[own] = _UNKNOWN
                else:
                    _join(head, tail, own, kept_head[x], kept_tail[x], following)
                before = _INSIDE
            elif mark == _JOIN:
                if now == _INSIDE and before == _COMPLETE:
                    top -= 1
                    begin = start[own]
                    _join(head, tail, own - 1, head[own], tail[own], following)
                    own -= 1
                    if start[own] == _UNKNOWN:
                        start[own] = begin
                    else:
                        marker[begin] = _JOIN
                before = _INSIDE
            elif mark == _PAUSE:
                before = _INCOMPLETE
            elif mark == _END:
                top -= 1
                before = stack[top]
                if now == _OUTSIDE and before == _COMPLETE:
                    if start[own] == _UNKNOWN:
                        return head[own]
                    marker[end[own]] = _END
                    kept_head[start[own]], kept_tail[start[own]] = head[own], tail[own]
                    own -= 1
                    top -= 1
                    before = stack[top]
            if on:
                _join(head, tail, own, place, place, following)
            elif now == _INSIDE:
                now = _OUTSIDE
                if before != _COMPLETE:
                    marker[x], end[own] = _PAUSE, x
                else:
                    top -= 1
                    before = stack[top]
                    marker[x] = _END
                    kept_head[start[own]], kept_tail[start[own]] = head[own], tail[own]
                    own -= 1
    return -1
