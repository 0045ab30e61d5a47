"""What auctions refuse, and why."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

OFFER_NOT_AUCTIONABLE = problem_type(
    "offer-not-auctionable",
    Kind.CONFLICT,
    title=Text("This offer cannot be auctioned", "该报价方案不能拍卖"),
    detail=Text("The offer cannot be auctioned: {reason}.", "该报价方案不能拍卖：{reason}。"),
    remedy=Text(
        "Use a current offer of a published listing whose plan has exactly one component of the model auction.",
        "请使用已上架产品的有效报价方案，且其价格方案恰有一个 auction 模型的组成项。",
    ),
)
AUCTION_INVALID = problem_type(
    "auction-invalid",
    Kind.UNPROCESSABLE,
    title=Text("A field of the auction is wrong", "拍卖字段有误"),
    detail=Text("{field}: {reason}.", "{field}：{reason}。"),
    remedy=Text("Correct the field; the guide on auctions names the limits.", "请修改该字段；各项限制见拍卖指南。"),
)
AUCTION_RUNNING = problem_type(
    "auction-running",
    Kind.CONFLICT,
    title=Text("There is an auction already", "已有拍卖正在进行"),
    detail=Text("Another auction of the same dataset has not ended yet.", "同一数据集的另一场拍卖尚未结束。"),
    remedy=Text("Wait until it has ended, or cancel it.", "请等待其结束，或将其取消。"),
)
SOLD_EXCLUSIVELY = problem_type(
    "sold-exclusively",
    Kind.CONFLICT,
    title=Text("Sold exclusively", "已独占出售"),
    detail=Text(
        "An exclusive licence to this dataset was awarded in auction {auction}; it holds {until}.",
        "该数据集的独占许可已在拍卖 {auction} 中授出，期限：{until}。",
    ),
    remedy=Text(
        "Offer another dataset, or wait until the exclusivity has ended or the award has lapsed.",
        "请提供其他数据集，或等待独占期结束或授标失效。",
    ),
)
AUCTION_NOT_OPEN = problem_type(
    "auction-not-open",
    Kind.CONFLICT,
    title=Text("Not open yet", "拍卖尚未开始"),
    detail=Text("The auction opens at {opens_at}.", "拍卖将于 {opens_at} 开始。"),
    remedy=Text("Bid from then on.", "请于开始后出价。"),
)
AUCTION_CLOSED = problem_type(
    "auction-closed",
    Kind.CONFLICT,
    title=Text("Closed", "拍卖已截止"),
    detail=Text("The auction closed at {closes_at}.", "拍卖已于 {closes_at} 截止。"),
    remedy=Text("Read the auction for its result.", "请查看该拍卖的结果。"),
)
AUCTION_CANCELLED = problem_type(
    "auction-cancelled",
    Kind.CONFLICT,
    title=Text("Cancelled by the supplier", "拍卖已由供应方取消"),
    detail=Text(
        "The supplier cancelled the auction: {reason}. No bid counts, none was shown to anybody.",
        "供应方已取消该拍卖：{reason}。所有出价均作废，且未向任何人披露。",
    ),
    remedy=Text(
        "Nothing is left to do. Look for a new auction of the supplier.", "无需任何操作，可关注供应方的新拍卖。"
    ),
)
BID_BELOW_RESERVE = problem_type(
    "bid-below-reserve",
    Kind.UNPROCESSABLE,
    title=Text("Below the reserve", "低于保留价"),
    detail=Text("The reserve is {reserve}; the bid was {amount}.", "保留价为 {reserve}，出价为 {amount}。"),
    remedy=Text("Bid the reserve or more.", "请以不低于保留价的金额出价。"),
)
BID_INVALID = problem_type(
    "bid-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Not an amount that can be bid", "出价金额无效"),
    detail=Text("{amount} cannot be bid: {reason}.", "{amount} 不能作为出价：{reason}。"),
    remedy=Text(
        "Bid an amount above zero in the auction's currency, in whole smallest coins.",
        "请使用拍卖货币出价，金额大于零且为最小货币单位的整数倍。",
    ),
)
BIDS_TOO_MANY = problem_type(
    "bids-too-many",
    Kind.TOO_MANY,
    title=Text("Too many bids", "出价次数过多"),
    detail=Text("Your organisation has bid {limit} times in this auction.", "您的机构在本场拍卖中已出价 {limit} 次。"),
    remedy=Text("Your last bid stands; it can still be withdrawn.", "最后一次出价仍然有效，且仍可撤回。"),
)
NO_LIVE_BID = problem_type(
    "no-live-bid",
    Kind.CONFLICT,
    title=Text("No bid to withdraw", "没有可撤回的出价"),
    detail=Text("Your organisation has no bid in this auction.", "您的机构在本场拍卖中没有有效出价。"),
    remedy=Text("Read your bids.", "请查看您的出价记录。"),
)
LISTING_IN_AUCTION = problem_type(
    "listing-in-auction",
    Kind.CONFLICT,
    title=Text("Its auction has not ended", "该产品的拍卖尚未了结"),
    detail=Text(
        "Auction {auction} of an offer of this listing is {state}: whoever wins it must be able to order.",
        "该产品的报价方案正在拍卖 {auction} 中（状态 {state}）：须保证中标方能够下单。",
    ),
    remedy=Text(
        "Cancel the auction before it closes, or wait until the winner has paid or the award has lapsed.",
        "请在截止前取消拍卖，或等待中标方付款或授标失效。",
    ),
)
AWARD_LAPSED = problem_type(
    "award-lapsed",
    Kind.CONFLICT,
    title=Text("The award has lapsed", "授标已失效"),
    detail=Text(
        "The quote was an award of auction {auction}, which no longer stands.",
        "该询价单为拍卖 {auction} 的授标，授标已失效。",
    ),
    remedy=Text("Bid in a new auction of the supplier.", "可参与供应方的新拍卖。"),
)
