// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {Acceptance, BatchHeader, Bundle, Withdrawal} from "../types/Batch.sol";

/// @title What accounts sign in the batch lane, as this chain reads it.
/// @dev EIP-712. Twin of edgebounty/protocol/batch/messages.py; tests/vectors/batch_replays holds both to it.
library BatchMessages {
    // solhint-disable gas-small-strings
    bytes32 private constant DOMAIN = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME = keccak256("Edgebounty");
    bytes32 private constant VERSION = keccak256("1");
    bytes32 private constant RECEIPTS = keccak256(
        "Receipts(address worker,uint256 job,uint32 firstTask,uint32 count,bytes32 receipts,bytes32 commitSets)"
    );
    bytes32 private constant ACCEPTANCE = keccak256(
        "Acceptance(address orchestrator,address worker,uint256 job,uint32 firstTask,uint32 count,bytes32 receipts,bytes32 commitSets)"
    );
    bytes32 private constant WITHDRAWAL = keccak256(
        "Withdrawal(address account,address orchestrator,uint32 payoutIndex,uint96 cumulative,address receiver,uint64 until)"
    );
    // solhint-enable gas-small-strings

    /// @notice Of the lane at `lane` on this chain. Computed each time, so a fork of the chain has another one.
    function separator(address lane) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN, NAME, VERSION, block.chainid, lane));
    }

    /// @notice Whether the worker of this bundle has signed its roots for this batch.
    function signedBy(
        Bundle calldata bundle,
        BatchHeader calldata header,
        bytes32 domain
    ) internal pure returns (bool) {
        bytes32 message = keccak256(
            abi.encode(
                RECEIPTS,
                bundle.account,
                header.job,
                header.firstTask,
                bundle.count,
                bundle.receiptsRoot,
                bundle.setsRoot
            )
        );
        return _isSigner(bundle.account, domain, message, bundle.r, bundle.vs);
    }

    /// @notice Whether the orchestrator has signed that it owes these receipts.
    function signedBy(
        Acceptance calldata acceptance,
        bytes32 r,
        bytes32 vs,
        bytes32 domain
    ) internal pure returns (bool) {
        return _isSigner(acceptance.orchestrator, domain, keccak256(abi.encode(ACCEPTANCE, acceptance)), r, vs);
    }

    /// @notice Whether the payout's account has signed that its receiver shall have it.
    function signedBy(Withdrawal calldata asked, address orchestrator, bytes32 domain) internal pure returns (bool) {
        bytes32 message = keccak256(
            abi.encode(
                WITHDRAWAL,
                asked.payout.account,
                orchestrator,
                asked.index,
                asked.payout.cumulative,
                asked.receiver,
                asked.until
            )
        );
        return _isSigner(asked.payout.account, domain, message, asked.r, asked.vs);
    }

    /// @dev A signature that recovers to nobody is nobody's, also not the zero address's.
    function _isSigner(
        address account,
        bytes32 domain,
        bytes32 message,
        bytes32 r,
        bytes32 vs
    ) private pure returns (bool) {
        bytes32 hash = keccak256(abi.encodePacked(hex"1901", domain, message));
        (address signer, ECDSA.RecoverError problem, ) = ECDSA.tryRecover(hash, r, vs);
        return problem == ECDSA.RecoverError.NoError && signer == account;
    }
}
