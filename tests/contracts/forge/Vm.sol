// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev The cheat codes of forge that these tests use.
interface Vm {
    function warp(uint256 time) external;
    function roll(uint256 blockNumber) external;
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function prevrandao(bytes32 value) external;
    function chainId(uint256 id) external;
    function setBlockhash(uint256 blockNumber, bytes32 hash) external;
    function expectRevert() external;
    function expectPartialRevert(bytes4 selector) external;
    function expectRevert(bytes calldata data) external;
    function expectEmit() external;
    function mockCall(address callee, bytes calldata data, bytes calldata answer) external;
    function clearMockedCalls() external;
    function getNonce(address account) external view returns (uint64);
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function mockCallRevert(address callee, bytes calldata data, bytes calldata revertData) external;
    function addr(uint256 key) external pure returns (address);
    function assume(bool condition) external;
    function load(address account, bytes32 slot) external view returns (bytes32);
    function store(address account, bytes32 slot, bytes32 value) external;
    function label(address account, string calldata name) external;
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonBool(string calldata json, string calldata key) external pure returns (bool);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonAddressArray(string calldata json, string calldata key) external pure returns (address[] memory);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function parseJsonBytesArray(string calldata json, string calldata key) external pure returns (bytes[] memory);
    function snapshotState() external returns (uint256 snapshotId);
    function revertToState(uint256 snapshotId) external returns (bool success);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function toString(uint256 value) external pure returns (string memory);
    function snapshotGasLastCall(string calldata group, string calldata name) external returns (uint256 gasUsed);
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

error Different(string what, uint256 expected, uint256 actual);
error Untrue(string what);

/// @dev The next call must fail with this error, whatever its values.
function expectError(bytes4 selector) {
    vm.expectPartialRevert(selector);
}

function same(uint256 actual, uint256 expected, string memory what) pure {
    if (actual != expected) revert Different(what, expected, actual);
}

function sameBytes(bytes32 actual, bytes32 expected, string memory what) pure {
    if (actual != expected) revert Different(what, uint256(expected), uint256(actual));
}

function sameAddress(address actual, address expected, string memory what) pure {
    if (actual != expected) revert Different(what, uint160(expected), uint160(actual));
}

function isTrue(bool condition, string memory what) pure {
    if (!condition) revert Untrue(what);
}
